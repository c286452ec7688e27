// stdlib's uniform numbers, a Mersenne Twister, as a sampler and in searches.
//
//   npm install && nnlaws check 'command:node stdlib.mjs'

import uniform from "@stdlib/random-base-uniform";
import { array, serve } from "./wire.mjs";

// a seed of 64 bits, in two words: as one number, stdlib takes no 0 and none beyond 32 bits
const generator = ({ values: [seed] }) =>
  uniform.factory({ seed: [Number(BigInt(seed) & 0xffffffffn), Number(BigInt(seed) >> 32n)] });

const position = [
  (low, high, u) => low + u * (high - low),
  (low, high, u) => low * (high / low) ** u,
  (low, high, u) => 1 - (1 - low) * ((1 - high) / (1 - low)) ** u,
  (low, high, u) => Math.min(Math.floor(low + u * (high - low + 1)), high),
];

function points(random, { budget, space_low: lows, space_high: highs, space_scale: scales }) {
  const point = () =>
    lows.values.map((low, axis) => {
      const high = highs.values[axis];
      return Math.min(Math.max(position[scales.values[axis]](low, high, random(0, 1)), low), high);
    });
  return Array.from({ length: budget.values[0] }, point);
}

const matrix = (rows) => array("float64", [rows.length, rows[0].length], rows.flat());

await serve(
  { name: "stdlib", version: "0.2.3", dtypes: "float64" },
  {
    sample_uniform: ({ low, high, size, seed }) => {
      const random = generator(seed);
      const x = Array.from({ length: size.values[0] }, () => random(low.values[0], high.values[0]));
      return { x: array("float64", [x.length], x) };
    },
    random_search: (given) => ({ points: matrix(points(generator(given.seed), given)) }),
    caviar: async (given, ask) => {
      const tried = points(generator(given.seed), given);
      const losses = [];
      for (const point of tried) {
        const told = await ask("objective", { point: array("float64", [point.length], point) });
        losses.push(told.loss.values[0]);
      }
      const least = losses.reduce((best, loss, i) => (loss < losses[best] || Number.isNaN(losses[best]) ? i : best), 0);
      return { points: matrix(tried), losses: array("float64", [losses.length], losses), best: array("int64", [], [least]) };
    },
  },
);
