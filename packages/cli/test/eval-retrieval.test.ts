import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { modelPath } from '@tp/models'
import { createNode, decodeModel, encodeModel, Graph } from '@tp/onnx'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder, tpHere } from './tp.ts'

const data = fileURLToPath(new URL('../../data/test/retrieval', import.meta.url))
const folder = temporaryFolder()
const timeout = 120_000
const tokenizer = ['--read', `tokenizer=${modelPath('mail', 'tokenizer')}`]

/** The mail encoder with its last states as the output. */
beforeAll(() => {
  const model = decodeModel(readFileSync(modelPath('mail')))
  const graph = new Graph(model)
  const [states = ''] = graph.nodes.findLast(({ opType }) => opType === 'Gather')?.input ?? []
  graph.insert([createNode({ type: 'Identity', inputs: [states], outputs: ['last_hidden_state'] })])
  graph.addOutput('last_hidden_state', 'float32', ['batch', 'tokens', 128])
  graph.removeOutput('logits')
  graph.removeDeadNodes()
  writeFileSync(folder.at('states.onnx'), encodeModel(model))
})

const evaluate = (path: string, ...more: string[]): ReturnType<typeof tpHere> =>
  tpHere(['eval', folder.at('states.onnx'), '--data', path, ...tokenizer, ...more])

describe('queries and documents', () => {
  test('prunes queries and documents each alone and both, against the results of the dense model', {
    timeout,
  }, async () => {
    const { code, stdout } = await evaluate(data, '--methods', 'stride', '--keep', '0.3', '--json')
    expect(code).toBe(0)
    const { task, examples, judged, rows, between } = JSON.parse(stdout)
    expect([task, examples, between]).toEqual(['embeddings', 17, []])
    expect(judged).toEqual({ by: 'relevance', queries: 5, documents: 12 })
    const [dense, none, pruned] = rows
    for (const side of ['queries', 'documents', 'both']) {
      expect(none[side], side).toMatchObject({ loss: { estimate: 0, low: 0, high: 0 }, top10Kept: 100, safety: 'safe' })
      expect(none[side].ndcg10.estimate, side).toBeCloseTo(dense.ndcg10.estimate, 9)
      const { ndcg10, recall100, mrr, loss, top10Kept } = pruned[side]
      expect(loss.estimate, side).toBeCloseTo(dense.ndcg10.estimate - ndcg10.estimate, 9)
      expect(loss.low, side).toBeLessThanOrEqual(loss.estimate)
      // There are but 12 documents.
      expect(recall100.estimate, side).toBe(100)
      expect(mrr.estimate, side).toBeGreaterThan(0)
      expect(top10Kept, side).toBeLessThan(100)
    }
    expect(pruned.tolerance).toBe(1)
  })

  test('get a line that says which of them may be pruned', { timeout }, async () => {
    const { stdout } = await evaluate(data, '--methods', 'none', '--read', 'split=dev')
    expect(stdout).toMatch(/^method +keep +kept +nDCG@10 +loss: queries +documents +both pruned +FLOPs/m)
    expect(stdout).toMatch(/^none: safe for queries and documents and both$/m)
  })

  test.each([
    [[data, '--read', 'split=train'], 'TP_DATA', /has no train.tsv/],
    [[`${data}/pairs.csv`, '--read', 'split=dev'], 'TP_OPTION', /split is for folders/],
    [[data, '--read', 'textColumn=text'], 'TP_OPTION', /textColumn is for tables/],
  ] as const)('refuses %j', async ([path, ...more], code, message) => {
    const { stderr } = await evaluate(path, ...more)
    expect(stderr).toMatch(message)
    expect(stderr).toContain(`code: ${code}`)
  })
})

test('late interaction searches by the vectors of tokens, of which some are pruned', {
  timeout,
  tags: 'exhaustive',
}, async () => {
  const kept = ['--layers', '5', '--set', 'restore=none', '--set', 'protect=0']
  const options = ['--late-interaction', '--methods', 'none,stride', '--keep', '0.1', ...kept, '--json']
  const { code, stdout } = await evaluate(data, ...options)
  expect(code).toBe(0)
  const [dense, none, pruned] = JSON.parse(stdout).rows
  expect(none.both.top10Kept).toBe(100)
  expect(pruned.queries.ndcg10.estimate).toBeLessThan(dense.ndcg10.estimate)
  const pooled = JSON.parse((await evaluate(data, '--methods', 'none', '--json')).stdout)
  expect(dense.ndcg10.estimate).not.toBe(pooled.rows[0].ndcg10.estimate)
  const pairs = await evaluate(`${data}/pairs.csv`, '--late-interaction')
  expect([pairs.code, pairs.stderr]).toEqual([2, expect.stringContaining('--late-interaction is for models')])
})
