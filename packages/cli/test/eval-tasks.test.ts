import { writeFileSync } from 'node:fs'
import { mailData, modelPath } from '@tp/models'
import { createNode, encodeModel, type Model } from '@tp/onnx'
import { beforeAll, describe, expect, test } from 'vitest'
import { mailEmbedder, mailStates } from './small-models.ts'
import { argv, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const mail = modelPath('mail')
const timeout = 120_000

/** The first three numbers of the mail encoder's states as logits of tags, which mean nothing. */
function tagger(): Model {
  const { model, graph, states } = mailStates()
  graph.addInitializer('first', { type: 'int64', dims: [3], data: BigInt64Array.of(0n, 1n, 2n) })
  const inputs = [states, 'first']
  graph.insert([createNode({ type: 'Gather', inputs, outputs: ['tags'], attributes: { axis: 2 } })])
  graph.addOutput('tags', 'float32', ['batch', 'tokens', 3])
  graph.removeDeadNodes()
  return model
}

beforeAll(() => {
  writeFileSync(folder.at('states.onnx'), mailEmbedder())
  writeFileSync(folder.at('tagger.onnx'), encodeModel(tagger()))
  const mails = mailData('calibration').filter(({ text }) => text.length > 100 && text.length < 300)
  const texts = mails.slice(0, 14).map(({ text }) => text.replaceAll('\t', ' '))
  writeFileSync(folder.at('texts.tsv'), `${texts.join('\n')}\n`)
  const tagged = texts.slice(0, 6).map((text) =>
    text
      .split(' ')
      .slice(0, 12)
      .map((word, i) => `${word}\t${['B-NAME', 'I-NAME', 'O'][i % 3]}`)
      .join('\n'),
  )
  writeFileSync(folder.at('tagged.tsv'), `${tagged.join('\n\n')}\n`)
  const lines = mails.slice(34, 38).map(({ text, label }) => `${['ham', 'spam'][label]}\t${text.replaceAll('\t', ' ')}`)
  writeFileSync(folder.at('mails.tsv'), `${lines.join('\n')}\n`)
})

const byReceived = ['--methods', 'received-attention', '--keep', '0.5']
const tokenizer = ['--read', `tokenizer=${modelPath('mail', 'tokenizer')}`]

describe('tokens', () => {
  const args = (...more: string[]): string[] =>
    argv`eval ${folder.at('tagger.onnx')} --data ${folder.at('tagged.tsv')} ${tokenizer} --read labels=O,B-NAME,I-NAME ${more}`

  test('recognizes tokens by the outputs, and judges them by F1 of entities with losses paired by sentence', {
    timeout,
  }, async () => {
    const { code, stdout, stderr } = await tpHere(args(...byReceived, '--json'))
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('code:')])
    const { task, examples, rows } = JSON.parse(stdout)
    expect([task, examples]).toEqual(['tokens', 6])
    const [dense, none, pruned] = rows
    expect(dense).toMatchObject({ lossOf: 'f1', loss: { estimate: 0 }, mcnemar: null, agreement: 100 })
    expect(none).toMatchObject({ f1: dense.f1, accuracy: dense.accuracy, agreement: 100, mcnemar: { p: 1 } })
    expect(pruned.loss.estimate).toBeCloseTo(dense.f1.estimate - pruned.f1.estimate, 10)
    expect(pruned.agreement).toBeLessThan(100)
    expect(pruned.kept).toBeLessThan(0.5)
    const text = await tpHere(args('--limit', '3'))
    expect(text.stdout).toMatch(/^method +keep +kept +F1 +accuracy +loss of F1 +McNemar p +agrees with dense +FLOPs/m)
  })
})

describe('embeddings', () => {
  test('have rows for pruned tokens, and tp prune says what they are for', async () => {
    const args = [
      'prune',
      folder.at('states.onnx'),
      '--method',
      'received-attention',
      '--keep',
      '0.5',
      '--no-verify',
      '--json',
      '-o',
    ]
    const notesOf = async (...more: string[]): Promise<readonly string[]> => {
      const { code, stdout } = await tpHere([...args, folder.at('rows.onnx'), ...more])
      expect(code).toBe(0)
      return JSON.parse(stdout).notes
    }
    const filled = expect.stringMatching(
      /^rows of pruned tokens hold the mean .* decoder .* give --set restore=nearest, or --set restore=none, .*tp\.mask/,
    )
    expect(await notesOf()).toContainEqual(filled)
    expect(await notesOf('--set', 'restore=none')).not.toContainEqual(filled)
    expect(await notesOf('--set', 'restore=all')).not.toContainEqual(filled)
  })

  test('recognizes embeddings by the outputs, without labels', { timeout }, async () => {
    const args = ['eval', folder.at('states.onnx'), '--data', folder.at('texts.tsv'), ...tokenizer, ...byReceived]
    const { code, stdout } = await tpHere([...args, '--json'])
    expect(code).toBe(0)
    const { task, examples, rows } = JSON.parse(stdout)
    expect([task, examples]).toEqual(['embeddings', 14])
    const [, none, pruned] = rows
    for (const name of ['cosine', 'rankCorrelation', 'neighbors', 'neighborsInDense']) {
      expect(none[name].estimate, name).toBeCloseTo(1, 5)
      expect(pruned[name].estimate, name).toBeLessThan(1)
      expect(pruned[name].low, name).toBeLessThanOrEqual(pruned[name].estimate)
    }
    const few = [...args.slice(0, -4), '--limit', '3', '--methods', 'stride,truncate', '--keep', '0.5']
    const text = await tpHere(few)
    expect(text.stdout).toMatch(
      /\n\nmethod +against +keep +loss of neighbors kept in points +McNemar p\ntruncate +stride +0\.5 .* –\n/,
    )
    expect(text.stdout).toMatch(/ cosine to dense +rank correlation +nearest 10 kept +in the dense index +FLOPs/)
  })

  test('can be requested for a model that looks like a classifier', { timeout }, async () => {
    const args = ['eval', mail, '--data', folder.at('mails.tsv'), '--task', 'embeddings', '--limit', '4', '--json']
    const { stdout } = await tpHere(args)
    expect(JSON.parse(stdout)).toMatchObject({ task: 'embeddings', examples: 4 })
  })
})

test('refuses an unknown task', { timeout }, async () => {
  const states = ['eval', folder.at('states.onnx'), '--data', folder.at('texts.tsv'), ...tokenizer]
  const { code, stderr } = await tpHere([...states, '--task', 'ner'])
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining(
      '--task is "ner"; it must be classification, multi-label, tokens, embeddings, ranking, regression or asr',
    ),
  ])
})
