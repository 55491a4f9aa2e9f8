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

  const linked = (): string[] => {
    symlinkSync(folder.at('train.tsv'), folder.at('link.tsv'))
    return chosenBy('link.tsv')
  }
  /** The same examples in another order and format. */
  const copied = (): string[] => {
    const lines = read('train.tsv').toString().trim().split('\n').reverse()
    const rows = lines.map((line) => JSON.stringify({ label: line[0], text: line.slice(2) }))
    writeFileSync(folder.at('copy.jsonl'), rows.join('\n'))
    return chosenBy('copy.jsonl')
  }
  const stride = (...more: string[]): string[] => train('stride', 'e.onnx', ...more)
  const zeroRate = (): string[] => train('ltp', 'e.onnx', '--set', 'methodRate=0')

  test.each<[args: () => string[], message: RegExp, code: string, exit?: number]>([
    [() => short('--target-flops', '1.5'), /1\.5; it must be above 0 and below 1/, 'TP_FLOPS'],
    [() => short('--target-flops', '0.05'), /with one token kept at layers 0, 1, 0\.\d+ of the FLOPs/, 'TP_FLOPS'],
    [() => short('--layers', '7'), /layer 7 does not exist: the model has layers 0 to 2/, 'TP_SCHEDULE'],
    [() => short('--set', 'hardEpochs=-1'), /--set hardEpochs is -1; it must be a number from 0/, 'TP_USAGE'],
    [zeroRate, /methodRate is 0; it has to be a number above 0/, 'TP_OPTION'],
    [stride, /say how many tokens to keep/, 'TP_USAGE'],
    [() => stride('--keep', '1', '--target-flops', '0.5'), /and stride has nothing to learn/, 'TP_USAGE'],
    [() => stride('--keep', '1', '--train', 'method'), /has nothing to learn; train all, vectors or head/, 'TP_USAGE'],
    [() => short('--weights-out', folder.at('e.onnx')), /is to be two files at once, -o and/, 'TP_OUTPUT'],
    [() => short('--weights-out', model()), /is the model's own file/, 'TP_OUTPUT'],
    [
      () => short('--weights-out', folder.at('nowhere', 'r')),
      /the folder \S+ does not exist; create it/,
      'TP_WRITE',
      1,
    ],
    [() => withData(classes(0, 2, 3, 4)), /no example has class 1 of the model, which it would/, 'TP_DATA', 1],
    [() => withData(classes(0, 1, 2, 3, 4, 7)), /other\.tsv.*class 7/, 'TP_DATA', 1],
    [() => chosenBy('train.tsv'), /--data and --selection are both/, 'TP_USAGE'],
    [linked, /--data and --selection are both/, 'TP_USAGE'],
    [copied, /24 of 24 examples of .*copy\.jsonl are among those of .*train\.tsv/, 'TP_DATA', 1],
    [() => short('--resume'), /there is no .*e\.onnx\.soft\.checkpoint to resume from/, 'TP_FILE_NOT_FOUND', 1],
  ])('%#: what it cannot do, with the reason', { timeout }, async (args, message, code, exit = 2) => {
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
