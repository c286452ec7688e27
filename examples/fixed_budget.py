"""How many ulp may batch norm err at inference? It depends on the numbers: `python examples/fixed_budget.py`.

The conformance tests of WebNN allow 6 ulp, and refuse ONNX Runtime, which errs by 12 (onnxruntime #26522): is the
budget too strict, or the implementation wrong? Where γ (z − mean)/√(var + ε) and β cancel, or z and the mean, rounding
alone costs more than any fixed number of ulp. `nnlaws.allowed` says what it can do to each entry. The data are made
here.
"""

import nnlaws
import numpy as np

BUDGET = 6  # ulp
EPS = 1e-5


def plain(z, gamma, beta, mean, var):
    """Step by step, as it is written."""
    return gamma * ((z - mean) / np.sqrt(var + np.float32(EPS))) + beta


def folded(z, gamma, beta, mean, var):
    """As deployment tools fold it: one product and one sum a number, z·a + b."""
    a = gamma / np.sqrt(var + np.float32(EPS))
    return z * a + (beta - mean * a)


def rounded_scale(z, gamma, beta, mean, var):
    """A mistake: γ/√(var + ε) is kept in float16, which has 11 bits."""
    a = (gamma / np.sqrt(var + np.float32(EPS))).astype(np.float16).astype(np.float32)
    return (z - mean) * a + beta


def epsilon_left_out(z, gamma, beta, mean, var):
    """A mistake: ε is missing, which is little where the variance is large."""
    return gamma * ((z - mean) / np.sqrt(var)) + beta


def data():
    """A hundred samples of six features, whose averages are up to 40 deviations from 0, in float32."""
    random = np.random.default_rng(0)
    mean = np.linspace(-40, 40, 6)
    var = np.array([0.5, 1.0, 2.0, 4.0, 8.0, 16.0])
    z = mean + np.sqrt(var) * random.standard_normal((100, 6))
    gamma, beta = random.uniform(0.5, 2, 6), random.uniform(-2, 2, 6)
    return [x.astype(np.float32) for x in (z, gamma, beta, mean, var)]


def main():
    arguments = data()
    allowed = nnlaws.allowed("batch_norm_inference", *arguments, eps=EPS)
    ulp = np.spacing(np.abs(allowed.exact).astype(np.float32)).astype(np.float64)
    budget = allowed.error / ulp
    print(f"rounding may come to {budget.min():.1f} ulp where least cancels, to {budget.max():.0f} where most does")
    print(f"{'':18}{'errs by':>12}{f'{BUDGET} ulp':>10}   nnlaws.judge")
    for function in (plain, folded, rounded_scale, epsilon_left_out):
        got = function(*arguments)
        off = np.abs((got - allowed.exact) - allowed.rest) / ulp
        found = nnlaws.judge("batch_norm_inference", *arguments, result=got, eps=EPS)
        verdict = "accepts" if off.max() <= BUDGET else "refuses"
        words = f"{found.law.outcome}: {found.ratio:.2g} of what is allowed"
        print(f"{function.__name__:18}{off.max():8.1f} ulp{verdict:>10}   {words}")


if __name__ == "__main__":
    main()
