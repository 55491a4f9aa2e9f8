import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { leaveOut, readProvenance, transform } from '@tp/compiler'
import { mailData, modelPath } from '@tp/models'
import { createNode, decodeModel, encodeModel, Graph } from '@tp/onnx'
import { beforeAll, describe, expect, test } from 'vitest'
import { argv, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const timeout = 120_000
let model = ''

/** Three layers of the mail encoder with one logit, as cross-encoders have it. */
function scorer(): Uint8Array {
  const short = transform(decodeModel(readFileSync(modelPath('mail'))), leaveOut({ layers: [3, 4, 5] }))
  const file = short.model
  const graph = new Graph(file)
  graph.addInitializer('against', { type: 'float32', dims: [2, 1], data: Float32Array.of(-1, 1) })
  graph.insert([createNode({ type: 'MatMul', inputs: ['logits', 'against'], outputs: ['score'] })])
  graph.addOutput('score', 'float32', ['batch', 1])
  graph.removeOutput('logits')
  return encodeModel(file)
}

const clean = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 160)
const ofClass = (own: number) => mailData('calibration').filter(({ label }) => label === own)

beforeAll(() => {
  model = folder.at('model.onnx')
  writeFileSync(model, scorer())
  copyFileSync(modelPath('mail', 'tokenizer'), folder.at('tokenizer.json'))
  const [ham, spam] = [ofClass(0), ofClass(1)]
  const rows = (from: number, queries: number): string[][] =>
    Array.from({ length: queries }, (_, q) =>
      [ham[from + 2 * q], spam[from + q], ham[from + 2 * q + 1]].map((mail, i) => [
        `which mail is an offer, number ${from + q}`,
        clean(mail?.text ?? ''),
        i === 1 ? '1' : '0',
      ]),
    ).flat()
  const write = (name: string, heading: string[], lines: string[][]): void =>
    writeFileSync(folder.at(name), [heading, ...lines].map((cells) => `${cells.join('\t')}\n`).join(''))
  write('pairs.tsv', ['query', 'document', 'relevance'], rows(0, 6))
  write('others.tsv', ['query', 'document', 'relevance'], rows(40, 4))
  const unjudged = (lines: string[][]): string[][] => lines.map((cells) => cells.slice(0, 2))
  write('unjudged.tsv', ['text', 'text_pair'], unjudged(rows(0, 6)))
  write('unjudged-others.tsv', ['text', 'text_pair'], unjudged(rows(40, 4)))
  write(
    'irrelevant.tsv',
    ['query', 'document', 'relevance'],
    unjudged(rows(40, 4)).map((cells) => [...cells, '0']),
  )
  write('tuning.tsv', ['query', 'document'], unjudged(rows(0, 42)))
})

const segment = ['--set', 'protectSegment=0']

describe('a model with one logit', () => {
  test('judges the model by nDCG@10 where documents were judged', { timeout }, async () => {
    const methods = ['--methods', 'stride,received-attention', '--keep', '0.5', ...segment]
    const { code, stdout } = await tpHere(['eval', model, '--data', folder.at('pairs.tsv'), ...methods, '--json'])
    expect(code).toBe(0)
    const { task, examples, rows, between } = JSON.parse(stdout)
    expect([task, examples, rows.length]).toEqual(['ranking', 18, 4])
    const [dense, none, , received] = rows
    expect(none).toMatchObject({ ndcg: dense.ndcg, loss: { estimate: 0 }, change: { estimate: expect.closeTo(0, 5) } })
    expect(received.loss.estimate).toBeCloseTo(dense.ndcg.estimate - received.ndcg.estimate, 10)
    expect(received.rankCorrelation.estimate).toBeLessThanOrEqual(1)
    expect(between[0].lossOf).toBe('nDCG@10')
    const text = await tpHere(['eval', model, '--data', folder.at('pairs.tsv')])
    expect(text.stdout).toMatch(/^method +keep +kept +nDCG@10 +loss in points +rank correlation/m)
  })

  test('prunes with the query protected, by the separator of its tokenizer', { timeout }, async () => {
    const out = folder.at('pruned.onnx')
    const amount = ['--method', 'received-attention', '--keep', '0.3', ...segment]
    expect((await tpHere(['prune', model, '-o', out, ...amount])).code).toBe(0)
    expect(readProvenance(decodeModel(readFileSync(out)))[0]).toMatchObject({ protectedSegment: 0 })
    const calibration = ['--against', model, '--data', folder.at('tuning.tsv'), '-o', folder.at('guard.json')]
    const promise = ['--agreement', '0.5', '--confidence', 'mean']
    const { code, stderr } = await tpHere(['calibrate', out, ...calibration, ...promise])
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('code:')])
  })

  test('learns where to prune without labels', { timeout, tags: 'exhaustive' }, async () => {
    const data = ['--data', folder.at('unjudged.tsv'), '--selection', folder.at('unjudged-others.tsv')]
    const learning = argv`--method sdtp --keep 0.5 --train method --set epochs=1 --set hardEpochs=0`
    const out = folder.at('learned.onnx')
    const { code, stdout, stderr } = await tpHere(argv`train ${model} -o ${out} ${data} ${learning} ${segment} --json`)
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('code:')])
    const { selection, plan } = JSON.parse(stdout)
    // By the dense model's own scores its ranking is perfect.
    expect(selection.dense).toBeCloseTo(100, 10)
    expect(plan).toMatchObject({ protectSegment: 0, separator: expect.any(Number) })
  })

  test("chooses weights by the dense model's scores where no candidate is relevant", { timeout }, async () => {
    const data = ['--data', folder.at('pairs.tsv'), '--selection', folder.at('irrelevant.tsv')]
    const learning = ['--method', 'received-attention', '--keep', '0.5', '--train', 'head', '--set', 'epochs=1']
    const { code, stdout, stderr } = await tpHere(
      argv`train ${model} -o ${folder.at('head.onnx')} ${data} ${learning} --json`,
    )
    expect([code, stderr]).toEqual([0, expect.stringContaining('irrelevant.tsv has no relevant candidate')])
    const { dense, after } = JSON.parse(stdout).selection
    expect(dense).toBeCloseTo(100, 10)
    expect(after).toBeGreaterThan(50)
  })

  test('tunes the model without labels, by whole queries', { timeout, tags: 'exhaustive' }, async () => {
    const out = folder.at('plan.json')
    const choice = ['--methods', 'received-attention', '--max-loss', '5', '--shapes', '4x64', ...segment]
    const { code, stderr } = await tpHere(
      argv`optimize ${model} --plan-out ${out} --data ${folder.at('tuning.tsv')} ${choice}`,
    )
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('code:')])
    expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ figures: { maxLoss: 5 } })
    const cascade = await tpHere(
      argv`optimize ${model} --plan-out ${out} --data ${folder.at('tuning.tsv')} ${choice} --cascade`,
    )
    expect(cascade.stderr).toContain('a cascade is for models that give classes')
  })
})
