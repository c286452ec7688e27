// TensorFlow.js on the CPU: softmax, losses, batch norm at inference, and its optimizers.
//
//   npm install && nnlaws check 'command:node tfjs.mjs'

const talk = console.warn;
console.warn = () => {}; // it recommends its faster backend, for which there is no place on the line
const tf = await import("@tensorflow/tfjs");
await tf.setBackend("cpu");
await tf.ready();
console.warn = talk;

import { array, serve } from "./wire.mjs";

const tensor = ({ values, shape }) => tf.tensor(Float32Array.from(values), shape, "float32");
const back = (t) => array("float32", t.shape, [...t.dataSync()]);
const number = ({ values }, place = 0) => values[place];

// what a function of tensors allocates is freed
const freed = (operation) => (given) => {
  tf.engine().startScope();
  try {
    return operation(given);
  } finally {
    tf.engine().endScope();
  }
};

// T steps of an optimizer, with a rate for all or one a step
const stepped = (optimizer) =>
  freed(({ theta, grads, learning_rate: rate, ...options }) => {
    const [steps, size] = grads.shape;
    const x = tf.variable(tensor(theta));
    const made = optimizer(number(rate), options);
    const iterates = [];
    for (let step = 0; step < steps; step++) {
      if (rate.shape.length) made.learningRate = number(rate, step);
      if (rate.shape.length && made.setLearningRate) made.setLearningRate(number(rate, step));
      const gradient = tf.tensor1d(Float32Array.from(grads.values.slice(step * size, (step + 1) * size)));
      made.applyGradients([{ name: x.name, tensor: gradient }]);
      for (const each of x.dataSync()) iterates.push(each);
    }
    made.dispose();
    x.dispose();
    return { iterates: array("float32", [steps, size], iterates) };
  });

await serve(
  {
    name: "TensorFlow.js",
    version: tf.version.tfjs,
    dtypes: "float32",
    conventions: "velocity:heavy_ball,rmsprop_epsilon:inside,hyperparameters:working,normalisation:lse",
  },
  {
    softmax: freed(({ z }) => ({ a: back(tf.softmax(tensor(z))) })),
    log_softmax: freed(({ z }) => ({ l: back(tf.logSoftmax(tensor(z))) })),
    cross_entropy: freed(({ z, y }) => ({ J: back(tf.losses.softmaxCrossEntropy(tensor(y), tensor(z))) })),
    cross_entropy_gradient: freed(({ z, y }) => {
      const loss = (logits) => tf.losses.softmaxCrossEntropy(tensor(y), logits);
      return { dz: back(tf.grad(loss)(tensor(z))) };
    }),
    batch_norm_inference: freed(({ z, gamma, beta, mean, var: variance, eps }) => ({
      out: back(tf.batchNorm2d(...[z, mean, variance, beta, gamma].map(tensor), number(eps))),
    })),
    gradient_descent: stepped((rate) => tf.train.sgd(rate)),
    momentum: stepped((rate, { beta }) => tf.train.momentum(rate, number(beta))),
    rmsprop: stepped((rate, { beta, eps }) => tf.train.rmsprop(rate, number(beta), 0, number(eps))),
    adam: stepped((rate, { beta1, beta2, eps }) => tf.train.adam(rate, number(beta1), number(beta2), number(eps))),
  },
);
