import { fileURLToPath } from 'node:url'
import { modelPath } from '@tp/models'
import { expect, test } from 'vitest'
import { temporaryFolder, tp } from './tp.ts'

const folder = temporaryFolder()
const plant = fileURLToPath(new URL('plant-defect.mjs', import.meta.url))

/** A piece of a built file, what a mistake makes of it, and whether the test runs every day. */
type Defect = readonly [name: string, file: string, right: string, wrong: string, daily?: true]

const swapped = (perm: string): string => `[...${perm}.slice(0, -2), ...${perm}.slice(-2).reverse()]`
const packing: readonly Defect[] = [
  ['examples that see each other', 'pack/attention.js', 'offsets: segment.offsets', 'offsets: segment.positions', true],
  ['keys with swapped axes', 'pack/attention.js', 'keyPerm: fromKey.perm', `keyPerm: ${swapped('fromKey.perm')}`],
  [
    'values with swapped axes',
    'pack/attention.js',
    'valuePerm: fromValue.perm',
    `valuePerm: ${swapped('fromValue.perm')}`,
  ],
  ['scores without their scale', 'pack/attention.js', 'scale: terms.scale *', 'scale:'],
]
const quantizing: readonly Defect[] = [
  ['a wrong zero point', 'quantize/row-rounding.js', '{ zero: 128, steps: 127', '{ zero: 0, steps: 127', true],
  ['weights clipped at half', 'quantize/round-weights.js', '? [-128, 127]', '? [-64, 63]'],
  ['weights with half of their scale', 'quantize/round-weights.js', '(reduceRange ? 128 : 254)', '508'],
  ['activations with a wrong scale', 'quantize/row-rounding.js', "add('Reciprocal', 'per_scale', [rows])", 'rows'],
]
const pruning: readonly Defect[] = [
  ['padding that is ranked', 'host/select.js', 'where(attended, placed, -ABOVE_ALL)', 'placed', true],
  [
    'padding that is counted',
    'host/select.js',
    'const count = attendedTokens(state, hidden)',
    'const count = tokenCount(hidden)',
  ],
  ['tokens in reversed order', 'host/compact.js', '{ axis: 1, largest: false }', '{ axis: 1 }'],
  ['dropped tokens in place of padding', 'host/compact.js', 'mul(size, 2), size', 'size, mul(size, 2)'],
]

async function refused(args: readonly string[], [name, file, right, wrong]: Defect): Promise<void> {
  const command = [...args, modelPath('mail'), '-o', folder.at('planted.onnx')]
  const env = { TP_DEFECT: JSON.stringify({ file, right, wrong }), NODE_OPTIONS: `--import ${plant}` }
  const { code, stderr } = await tp(command, { env })
  expect([name, code, stderr]).toEqual([name, 1, expect.stringContaining('code: TP_VERIFY')])
  expect(folder.files()).toEqual([])
}

const commands: readonly (readonly [args: readonly string[], defects: readonly Defect[]])[] = [
  [['pack'], packing],
  [['quantize'], quantizing],
  [['prune', '--method', 'key-norm', '--keep', '0.6'], pruning],
]
for (const [args, defects] of commands) {
  for (const defect of defects) {
    const title = `tp ${args[0]} refuses what it makes with ${defect[0]}`
    test(title, { tags: defect[4] ? [] : 'exhaustive' }, () => refused(args, defect))
  }
}
