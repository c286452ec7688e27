"""What `nnlaws template` and `nnlaws new-chapter` write, ready to fill in."""
