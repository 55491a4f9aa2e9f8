import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { mailData, modelPath } from '@tp/models'
import { createNode, encodeModel } from '@tp/onnx'
import { beforeAll, describe, expect, test } from 'vitest'
import { mailEmbedder, mailStates } from './small-models.ts'
import { argv, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const mail = modelPath('mail')
const timeout = 120_000

beforeAll(() => {
  writeFileSync(folder.at('embedder.onnx'), mailEmbedder())
  for (const name of ['tokenizer.json', 'config.json']) copyFileSync(mail.replace(/[^/]*$/, name), folder.at(name))
  const short = mailData('calibration').map(({ text }) => text.replaceAll(/\s+/g, ' ').slice(0, 100))
  writeFileSync(folder.at('texts.txt'), short.slice(0, 64).join('\n'))
  writeFileSync(folder.at('others.txt'), short.slice(64, 96).join('\n'))
})

const trainBy = (selection: string, ...more: string[]): ReturnType<typeof tpHere> => {
  const data = ['--data', folder.at('texts.txt'), '--selection', folder.at(selection)]
  return tpHere(argv`train ${folder.at('embedder.onnx')} -o ${folder.at('out.onnx')} ${data} --set batchSize=8 ${more}`)
}
const train = (...more: string[]): ReturnType<typeof tpHere> => trainBy('others.txt', ...more)

describe('tp train of a model that gives vectors', () => {
  test('learns the dense vectors with tokens pruned, without labels', { timeout }, async () => {
    const pruning = ['--method', 'received-attention', '--layers', '2', '--keep', '0.3']
    const { code, stdout, stderr } = await train(
      ...pruning,
      '--set',
      'epochs=2',
      '--set',
      'learningRate=3e-4',
      '--json',
    )
    expect([code, stderr]).toEqual([0, expect.stringContaining('% on the selection')])
    const { selection, settings } = JSON.parse(stdout)
    expect(settings).toMatchObject({ answer: 'embedding', distillation: 1 })
    expect(selection.dense).toBe(100)
    expect(selection.after).toBeGreaterThan(selection.before)
    expect(selection.after).toBeLessThan(100)
  })

  test('refuses labels, and texts to choose by that it learns from', async () => {
    copyFileSync(folder.at('texts.txt'), folder.at('copy.txt'))
    const pruning = ['--method', 'random', '--keep', '0.5']
    const labels = await train(...pruning, '--set', 'distillation=0.5')
    expect([labels.code, labels.stderr]).toEqual([2, expect.stringContaining('learned from the dense model alone')])
    const same = await trainBy('copy.txt', ...pruning)
    expect([same.code, same.stderr]).toEqual([1, expect.stringContaining('64 of 64 examples')])
  })
})

test('refuses to train a model that tags tokens, and says what prunes it', async () => {
  const { model, graph, states } = mailStates()
  graph.addOutput(states, 'float32', ['batch', 'sequence', 128])
  // The classes of the whole are called logits, too.
  graph.removeDeadNodes()
  graph.removeOutput(states)
  graph.insert([createNode({ type: 'Identity', inputs: [states], outputs: ['logits'] })])
  graph.addOutput('logits', 'float32', ['batch', 'sequence', 128])
  // The names of classes next to the other models are not those of this one.
  mkdirSync(folder.at('tagger'))
  copyFileSync(folder.at('tokenizer.json'), folder.at('tagger/tokenizer.json'))
  writeFileSync(folder.at('tagger/model.onnx'), encodeModel(model))
  const data = ['--data', folder.at('texts.txt'), '--selection', folder.at('others.txt')]
  const how = ['--method', 'sdtp', '--keep', '0.5', '--train', 'method']
  const { code, stderr } = await tpHere(
    argv`train ${folder.at('tagger/model.onnx')} -o ${folder.at('out.onnx')} ${data} ${how}`,
  )
  expect([code, stderr]).toEqual([1, expect.stringContaining('gives a class for each token')])
  expect(stderr).toContain('code: TP_TASK')
})
