// A client of nnlaws in Rust: it reads calls from standard input, and writes what they return.
//
// Each operation is a function of named arrays that returns named arrays: `operation` finds it. An array is a type, a
// shape, and its bytes, the lowest first. The protocol is in docs/protocol.md of nnlaws.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

#[derive(Clone)]
struct Array {
    dtype: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}
type Arrays = BTreeMap<String, Array>;
type Operation = fn(&Arrays) -> Result<Arrays, String>;

const OPERATIONS: &[(&str, Operation)] = &[("softmax", softmax)];

fn softmax(given: &Arrays) -> Result<Arrays, String> {
    let z = given.get("z").ok_or("softmax takes z")?;
    let columns = z.shape[1].max(1);
    let bytes = if z.dtype == "float32" {
        let x: Vec<f32> = z.bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let mut result = Vec::new();
        for row in x.chunks(columns) {
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let powers: Vec<f32> = row.iter().map(|each| (each - largest).exp()).collect();
            let sum: f32 = powers.iter().sum();
            powers.iter().for_each(|each| result.extend((each / sum).to_le_bytes()));
        }
        result
    } else {
        let x: Vec<f64> = z.bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
        let mut result = Vec::new();
        for row in x.chunks(columns) {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let powers: Vec<f64> = row.iter().map(|each| (each - largest).exp()).collect();
            let sum: f64 = powers.iter().sum();
            powers.iter().for_each(|each| result.extend((each / sum).to_le_bytes()));
        }
        result
    };
    Ok(BTreeMap::from([("a".to_string(), Array { bytes, ..z.clone() })]))
}

// z=float32[2,3]: and the bytes in hexadecimal
fn read(word: &str) -> Option<(String, Array)> {
    let (name, rest) = word.split_once('=')?;
    let (head, data) = rest.split_once("]:")?;
    let (dtype, sizes) = head.split_once('[')?;
    let shape = sizes.split(',').filter(|size| !size.is_empty()).map(|size| size.parse().ok()).collect::<Option<_>>()?;
    let bytes = (0..data.len()).step_by(2).map(|i| u8::from_str_radix(&data[i..i + 2], 16).ok()).collect::<Option<_>>()?;
    Some((name.to_string(), Array { dtype: dtype.to_string(), shape, bytes }))
}

fn written(name: &str, array: &Array) -> String {
    let shape: Vec<String> = array.shape.iter().map(|size| size.to_string()).collect();
    let data: String = array.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}={}[{}]:{data}", array.dtype, shape.join(","))
}

fn answer(line: &str) -> String {
    let mut words = line.split(' ');
    let (kind, number) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    if kind == "hello" {
        let all: Vec<&str> = OPERATIONS.iter().map(|(name, _)| *name).collect();
        return format!("hello 1 name=mine language=rust dtypes=float32,float64 operations={}", all.join(","));
    }
    let wanted = words.next().unwrap_or("");
    let Some((_, operation)) = OPERATIONS.iter().find(|(name, _)| *name == wanted) else {
        return format!("absent {number}");
    };
    let Some(given) = words.map(read).collect::<Option<Arrays>>() else {
        return format!("failed {number} a word that is no array");
    };
    match operation(&given) {
        Ok(results) => {
            let each: Vec<String> = results.iter().map(|(name, array)| written(name, array)).collect();
            format!("done {number} {}", each.join(" "))
        }
        Err(error) => format!("failed {number} {error}"),
    }
}

fn main() {
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if writeln!(out, "{}", answer(&line)).and_then(|()| out.flush()).is_err() {
            break;
        }
    }
}
