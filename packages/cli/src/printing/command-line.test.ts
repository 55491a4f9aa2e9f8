import { spawnSync } from 'node:child_process'
import { shellWord } from '@tp/core/host'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { wrapped } from './terminal.ts'

/** The arguments that a shell hands to `tp`. */
function read(script: string): string[] {
  const { stdout } = spawnSync('sh', ['-c', `tp() { printf '%s\\n' "$@"; }\n${script}`], { encoding: 'utf8' })
  return stdout.split('\n').slice(0, -1)
}

test('a command line that is too long for a terminal is still one command when it is copied', () => {
  const word = fc.constantFrom(
    '--keep',
    '0.7',
    'model.onnx',
    '../a folder/model.onnx',
    "it's",
    'layers=1,2',
    '$x',
    '--data',
  )
  fc.assert(
    fc.property(fc.array(word, { minLength: 2, maxLength: 20 }), fc.integer({ min: 40, max: 80 }), (args, columns) => {
      const shown = wrapped(`  tp train ${args.map(shellWord).join(' ')}`, columns)
      expect(Math.max(...shown.split('\n').map((line) => line.length))).toBeLessThanOrEqual(columns)
      expect(read(shown)).toEqual(['train', ...args])
    }),
    { numRuns: 30 },
  )
})

test('each line but the last ends in a backslash, under the command', () => {
  expect(wrapped('next  tp prune model.onnx --plan plan.json -o pruned.onnx', 40)).toBe(
    'next  tp prune model.onnx --plan \\\n        plan.json -o pruned.onnx',
  )
})

test('lists of commands, and sentences, are wrapped as text', () => {
  expect(wrapped('  tp prune MODEL  writes a model without some tokens', 40)).not.toContain('\\')
  expect(wrapped('tp methods lists what there is, and what each of them does', 40)).not.toContain('\\')
})
