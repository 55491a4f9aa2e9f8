import { expect, test } from 'vitest'
import { tunedTable } from './tuned-table.mjs'

const plan = (/** @type {string} */ title, /** @type {string} */ loss) => `## ${title}

1257 test examples.

| model | accuracy | loss | expected loss | speed-up | 95 % interval |  |
| --- | --: | --: | --: | --: | --: | --- |
| dense | 98.1 ± 0.8 | 0.0 (0.0 … 0.0) | 0.00 | 1.00× | 1.00 … 1.00 | without its dead tokens |
| tuned | 97.9 ± 0.8 | ${loss} | 0.72 | 3.87× | 3.84 … 3.89 | value-aware, keep 0.086 at layers 0 |
| uniform | 98.0 ± 0.8 | 0.1 (−0.4 … 0.6) | 0.57 | 3.68× | 3.63 … 3.71 | value-aware, keep 0.2 at layers 0 1 |

| figure | value |
| --- | --- |
| points allowed | 0.5 |
| speed over the grid, dense where that is faster: mean | 3.42× |
| the same: least | 1.21× |
| over the uniform plan chosen on the same examples | 1.05× |
| over the fastest uniform plan that loses no more on test | 1.01× |
`

test('has one row per plan, names the model once, and omits other sections', () => {
  const page = [
    '# Measured\n',
    plan('mail, tuned in Node', '0.2 (−0.3 … 0.8)'),
    plan('mail, tuned in wasm as a cascade', '−0.1 (−0.2 … 0.0)'),
    '## A plan that was tuned on another device\n\nNothing here.\n',
  ].join('\n')
  expect(tunedTable(page).split('\n').slice(2)).toEqual([
    '| mail, 0.5 | Node | one file | 3.87× (3.84 … 3.89) | 0.2 (−0.3 … 0.8) | 1.21×, 3.42× | 1.01× |',
    '|  | wasm | cascade | 3.87× (3.84 … 3.89) | −0.1 (−0.2 … 0.0) | 1.21×, 3.42× | 1.01× |',
  ])
})

test('refuses a page without one of the figures', () => {
  const page = plan('mail, tuned in Node', '0.2 (−0.3 … 0.8)').replace(/.*the same: least.*/, '')
  expect(() => tunedTable(page)).toThrow('docs/results/tuning.md: nothing fits')
})
