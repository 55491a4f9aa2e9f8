import type { Inspection, PruningStep } from '@tp/compiler'
import { type Command, command } from '../command/command.ts'
import { EXIT } from '../command/exit-code.ts'
import { type FlopsAt, flopsAtUsualLengths } from '../model/flops.ts'
import { type ModelFile, readModelFile } from '../model/model-file.ts'
import { jsonDocument } from '../output/document.ts'
import { megabytes, ranges } from '../output/numbers.ts'
import { table } from '../output/table.ts'
import { inspectFile } from '../pruning/request.ts'

export const inspectCommand: Command = command({
  options: { json: { type: 'boolean', description: 'print one JSON document' } },
  notes: ['A model that tokens cannot leave is refused with the reason: exit code 4.'],
  async run([path = ''], { json = false }, { print, signal }) {
    const file = await readModelFile(path, signal)
    const found = inspectFile(file)
    const flops = flopsAtUsualLengths(file.model, found)
    if (json) {
      const { ok: _, ...facts } = found
      print(jsonDocument('inspect', { model: path, bytes: file.bytes, dataFiles: file.dataFiles, ...facts, flops }))
    } else {
      print(describe(file, found, flops))
    }
    return EXIT.done
  },
})

function describe(file: ModelFile, found: Inspection, flops: readonly FlopsAt[]): string {
  const { blocks, hidden, heads, tokens, batch, mask, fixed, classToken, tokenOutputs, pruned } = found
  const norms = [...new Set(blocks.map(({ norm }) => norm))].join(' and ')
  const data = file.dataFiles.length === 0 ? '' : `, weights in ${file.dataFiles.join(', ')}`
  const facts: [string, string][] = [
    ['file', `${file.path}, ${megabytes(file.bytes)}${data}`],
    ['written by', `${found.producer || 'unknown'}, opset ${found.opset}`],
    ['encoder', `${blocks.length} blocks, ${norms}-norm, hidden ${hidden}, ${heads} heads`],
    ['shape', `batch ${batch}, tokens ${tokens}`],
    ['padding', mask === undefined ? 'none: no input says which tokens are real' : `input ${mask}`],
    ['stays always', fixed.length === 0 ? 'nothing' : fixedText(fixed, classToken)],
    ['per-token outputs', tokenOutputs.length === 0 ? 'none' : tokenOutputs.join(', ')],
    ['pruned', pruned.length === 0 ? 'no' : pruned.map(stepText).join('; then ')],
    [
      'FLOPs',
      flops.map(({ tokens: n, flops: count }) => `${(count / 1e6).toFixed(1)} M at n=${n}`).join(', ') || 'unknown',
    ],
  ]
  const width = Math.max(...facts.map(([name]) => name.length)) + 2
  const rows = blocks.map(({ block, site, attention }) => [`${block}`, site, attention])
  return [
    ...facts.map(([name, text]) => name.padEnd(width) + text),
    '',
    table(['block', 'tokens leave after', 'attention'], rows, ['tokens leave after', 'attention']),
  ].join('\n')
}

function fixedText(fixed: readonly number[], classToken: number | undefined): string {
  const positions = `position ${ranges(fixed)}`
  return classToken === undefined ? positions : `${positions} (class token ${classToken})`
}

function stepText({ method, schedule }: PruningStep): string {
  const amounts = Object.entries(schedule).map(([block, { kind, value }]) => `${kind} ${value} at block ${block}`)
  return amounts.length === 0 ? method : `${method}, ${amounts.join(', ')}`
}
