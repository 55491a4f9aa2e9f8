import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { folder, learn, model, read, timeout, train, withSentences } from './learning-folder.ts'
import { wordTokenizer } from './small-models.ts'
import { tp, tpHere } from './tp.ts'

withSentences()

describe('tp train refuses', () => {
  const short = (...more: string[]): string[] => learn('e.onnx', '--set', 'epochs=0.3', ...more)
  const classes = (...ids: number[]): string => ids.map((id) => `${id}\tvery good film\n`).join('')
  const withData = (lines: string): string[] => {
    writeFileSync(folder.at('other.tsv'), lines)
    return short().map((arg) => (arg === folder.at('train.tsv') ? folder.at('other.tsv') : arg))
  }

  const chosenBy = (name: string): string[] =>
    short().map((arg) => (arg === folder.at('dev.tsv') ? folder.at(name) : arg))

  test.each<[string, () => string[], string, RegExp, number]>([
    ['a share above 1', () => short('--target-flops', '1.5'), 'TP_FLOPS', /1\.5; it must be above 0 and below 1/, 2],
    [
      'one out of reach',
      () => short('--target-flops', '0.05'),
      'TP_FLOPS',
      /with one token kept at layers 0, 1, 0\.\d+ of the FLOPs remain, not 0\.05; ask for more/,
      2,
    ],
    [
      'an invalid layer',
      () => short('--layers', '7'),
      'TP_SCHEDULE',
      /layer 7 does not exist: the model has layers 0 to 2/,
      2,
    ],
    [
      'epochs below 0',
      () => short('--set', 'hardEpochs=-1'),
      'TP_USAGE',
      /--set hardEpochs is -1; it must be a number from 0/,
      2,
    ],
    [
      'a rate of 0',
      () => train('ltp', 'e.onnx', '--set', 'methodRate=0'),
      'TP_OPTION',
      /methodRate is 0; it has to be a number above 0/,
      2,
    ],
    [
      'nothing to learn without a budget',
      () => train('stride', 'e.onnx'),
      'TP_USAGE',
      /say how many tokens to keep/,
      2,
    ],
    [
      'a share with nothing to learn',
      () => train('stride', 'e.onnx', '--keep', '0.5', '--target-flops', '0.5'),
      'TP_USAGE',
      /--target-flops is for methods that learn, and stride has nothing to learn/,
      2,
    ],
    [
      'training a method with nothing to learn',
      () => train('stride', 'e.onnx', '--keep', '0.5', '--train', 'method'),
      'TP_USAGE',
      /--train method: stride has nothing to learn; train all, vectors or head/,
      2,
    ],
    [
      'two files at one path',
      () => short('--weights-out', folder.at('e.onnx')),
      'TP_OUTPUT',
      /is to be two files at once, -o and --weights-out/,
      2,
    ],
    ['the model itself', () => short('--weights-out', model()), 'TP_OUTPUT', /is the model's own file/, 2],
    [
      'a class without examples',
      () => withData(classes(0, 2, 3, 4)),
      'TP_DATA',
      /no example has class 1 of the model, which it would unlearn; add some, or learn from the dense model alone \(distillation 1\)/,
      1,
    ],
    [
      'data to select by that are the training data',
      () => chosenBy('train.tsv'),
      'TP_USAGE',
      /--data and --selection are both/,
      2,
    ],
    [
      'the same through a link',
      () => {
        symlinkSync(folder.at('train.tsv'), folder.at('link.tsv'))
        return chosenBy('link.tsv')
      },
      'TP_USAGE',
      /--data and --selection are both/,
      2,
    ],
    [
      'the same as a copy in another order and format',
      () => {
        const lines = read('train.tsv').toString().trim().split('\n').reverse()
        const rows = lines.map((line) => JSON.stringify({ label: line[0], text: line.slice(2) }))
        writeFileSync(folder.at('copy.jsonl'), rows.join('\n'))
        return chosenBy('copy.jsonl')
      },
      'TP_DATA',
      /24 of 24 examples of .*copy\.jsonl are among those of .*train\.tsv; weights that are chosen by/,
      1,
    ],
    ['an unknown class', () => withData(classes(0, 1, 2, 3, 4, 7)), 'TP_DATA', /other\.tsv.*class 7/, 1],
    [
      'a missing checkpoint',
      () => short('--resume'),
      'TP_FILE_NOT_FOUND',
      /there is no .*e\.onnx\.soft\.checkpoint to resume from; omit --resume/,
      1,
    ],
    [
      'a missing folder',
      () => short('--weights-out', folder.at('nowhere', 'r')),
      'TP_WRITE',
      /the folder \S+ does not exist; create it first/,
      1,
    ],
  ])('%s', { timeout }, async (_, args, code, message, exit) => {
    const seen = await tpHere(args())
    expect(seen.stderr).toMatch(message)
    expect(seen.stderr).toContain(`code: ${code}`)
    expect(seen.code).toBe(exit)
    expect(existsSync(folder.at('e.onnx'))).toBe(false)
  })

  test('refuses a model that is pruned already', { timeout }, async () => {
    mkdirSync(folder.at('pruned'))
    writeFileSync(folder.at('pruned', 'tokenizer.json'), wordTokenizer())
    const pruned = folder.at('pruned', 'model.onnx')
    expect((await tpHere(['prune', model(), '-o', pruned, '--method', 'stride', '--keep', '0.5'])).code).toBe(0)
    const { code, stderr } = await tpHere(short().map((arg) => (arg === model() ? pruned : arg)))
    expect([code, stderr]).toEqual([
      4,
      expect.stringMatching(/this model is pruned already; train the file that it was made from[\s\S]*TP_PRUNED/),
    ])
  })

  test('keeps the last good checkpoint when the loss is NaN', { timeout }, async () => {
    const { code, stderr } = await tpHere(
      train('ltp', 'd.onnx', '--set', 'epochs=2', '--set', 'batchSize=4', '--set', 'learningRate=1e19'),
    )
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/at step \d+; lower the learning rate[\s\S]*code: TP_DIVERGED/),
    ])
    expect(folder.files()).not.toContain('d.onnx')
  })

  if (canMount()) {
    test('a full disk at the end keeps the checkpoints, and training resumes from them', {
      timeout,
      tags: 'exhaustive',
    }, async () => {
      mkdirSync(folder.at('disk'))
      mkdirSync(folder.at('saved'))
      const args = (out: string): string[] =>
        learn('x', '--set', 'epochs=2', '--train', 'method').map((arg) => (arg === folder.at('x') ? out : arg))
      const script =
        'mount -t tmpfs -o size=32k tmpfs "$DISK" && { "$@"; code=$?; cp -a "$DISK"/. "$SAVED"; exit $code; }'
      const { code, stderr } = await tp(args(folder.at('disk', 'f.onnx')), {
        through: ['unshare', '-rm', 'sh', '-c', script, 'sh'],
        env: { DISK: folder.at('disk'), SAVED: folder.at('saved') },
      })
      expect(stderr).toMatch(/f\.onnx was not written: the disk is full; make room[\s\S]*code: TP_WRITE/)
      expect(code).toBe(1)
      expect(folder.files().filter((name) => name.startsWith('saved/'))).toEqual(['saved/f.onnx.soft.checkpoint'])
      expect((await tpHere([...args(folder.at('saved', 'f.onnx')), '--resume'])).code).toBe(0)
      expect((await tpHere(args(folder.at('f.onnx')))).code).toBe(0)
      expect(read('saved', 'f.onnx').equals(read('f.onnx'))).toBe(true)
    })
  } else {
    test.skip('disks that are full (none can be mounted here: no user namespaces)', () => {})
  }
})

function canMount(): boolean {
  return spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /mnt']).status === 0
}
