// ONNX Runtime in WebAssembly, by models of one node that are written here, byte by byte as onnx.proto has them.
//
//   npm install && nnlaws check 'command:node onnx.mjs'

import * as ort from "onnxruntime-web";
import { array, serve } from "./wire.mjs";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)]);
const whole = (field, n) => [...varint(field << 3), ...varint(n)];
const bytes = (field, content) => [...varint((field << 3) | 2), ...varint(content.length), ...content];
const text = (field, string) => bytes(field, [...new TextEncoder().encode(string)]);
const float = (field, x) => [...varint((field << 3) | 5), ...new Uint8Array(Float32Array.of(x).buffer)];

const FLOAT = 1, DOUBLE = 11;
const attribute = (name, [kind, value]) =>
  bytes(5, [...text(1, name), ...(kind === "float" ? [...float(2, value), ...whole(20, 1)] : [...whole(3, value), ...whole(20, 2)])]);
const described = (field, name, type) => bytes(field, [...text(1, name), ...bytes(2, bytes(1, whole(1, type)))]);

function model(op, inputs, outputs, attributes, type) {
  const node = [
    ...inputs.flatMap((name) => text(1, name)),
    ...outputs.flatMap((name) => text(2, name)),
    ...text(4, op),
    ...Object.entries(attributes).flatMap(([name, value]) => attribute(name, value)),
  ];
  const graph = [
    ...bytes(1, node),
    ...text(2, "graph"),
    ...inputs.flatMap((name) => described(11, name, type)),
    ...outputs.flatMap((name) => described(12, name, type)),
  ];
  return Uint8Array.from([...whole(1, 8), ...bytes(7, graph), ...bytes(8, [...text(1, ""), ...whole(2, 15)])]);
}

const sessions = new Map();

async function run(op, given, output, attributes) {
  const [{ dtype }] = Object.values(given);
  const key = JSON.stringify([op, dtype, attributes]);
  if (!sessions.has(key)) {
    const made = model(op, Object.keys(given), [output], attributes, dtype === "float32" ? FLOAT : DOUBLE);
    sessions.set(key, await ort.InferenceSession.create(made, { executionProviders: ["wasm"] }));
  }
  const typed = ({ dtype, values }) => (dtype === "float32" ? Float32Array : Float64Array).from(values);
  const feeds = Object.fromEntries(
    Object.entries(given).map(([name, each]) => [name, new ort.Tensor(each.dtype, typed(each), each.shape)]),
  );
  const result = (await sessions.get(key).run(feeds))[output];
  return { [output]: array(dtype, [...result.dims], [...result.data]) };
}

await serve(
  { name: "onnxruntime-web", version: ort.env.versions.web, dtypes: "float32,float64" },
  {
    softmax: ({ z }) => run("Softmax", { z }, "a", { axis: ["whole", 1] }),
    log_softmax: ({ z }) => run("LogSoftmax", { z }, "l", { axis: ["whole", 1] }),
    batch_norm_inference: ({ z, gamma, beta, mean, var: variance, eps }) =>
      run("BatchNormalization", { z, gamma, beta, mean, variance }, "out", { epsilon: ["float", eps.values[0]] }),
  },
);
