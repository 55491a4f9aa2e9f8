import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readProvenance } from '@tp/compiler'
import { readSafetensors } from '@tp/core'
import { randomNumbers } from '@tp/eval'
import { decodeModel, type Model } from '@tp/onnx'
import { beforeAll, describe, expect, test } from 'vitest'
import { words, wordTokenizer } from './small-models.ts'
import { type Ended, fixture, temporaryFolder, tp, tpHere } from './tp.ts'

const folder = temporaryFolder()
const plugin = fileURLToPath(new URL('learning-plugin.mjs', import.meta.url))
const model = (): string => folder.at('bert', 'model.onnx')
const timeout = 120_000

/** An encoder of three blocks and five classes, and sentences whose first word tells which. */
beforeAll(() => {
  mkdirSync(folder.at('bert'))
  copyFileSync(fixture('bert-cls-eager-ts11'), model())
  writeFileSync(folder.at('bert', 'tokenizer.json'), wordTokenizer())
  writeFileSync(folder.at('train.tsv'), sentences(24, 1))
  writeFileSync(folder.at('dev.tsv'), sentences(12, 2))
})

function sentences(count: number, seed: number): string {
  const random = randomNumbers(seed)
  const lines = Array.from({ length: count }, (_, i) => {
    const own = Array.from({ length: 3 + Math.floor(random() * 9) }, () => words[5 + Math.floor(random() * 4)])
    return `${i % 5}\t${[words[4 + (i % 5)], ...own].join(' ')}\n`
  })
  return lines.join('')
}

const data = (): string[] => ['--data', folder.at('train.tsv'), '--selection', folder.at('dev.tsv')]

function train(method: string, out: string, ...more: string[]): string[] {
  return ['train', model(), '-o', folder.at(out), '--method', method, ...data(), ...more]
}

function learn(out: string, ...more: string[]): string[] {
  return train('ltp', out, '--batch-size', '8', '--learning-rate', '1e-4', '--method-rate', '0.02', ...more)
}

const read = (...parts: string[]): Buffer => readFileSync(folder.at(...parts))
const document = (name: string) => JSON.parse(read(name).toString())
const checkpoints = (): string[] => folder.files().filter((name) => name.includes('checkpoint'))

/** Names of the weights of a model that are others in another one. */
function changedWeights(before: Model, after: Model): string[] {
  const initializers = ({ proto }: Model) => proto.graph?.initializer ?? []
  const old = new Map(initializers(before).map(({ name, rawData }) => [name, rawData]))
  return initializers(after).flatMap(({ name, rawData }) => {
    const known = old.get(name)
    return known === undefined || Buffer.compare(known, rawData) === 0 ? [] : [name]
  })
}

describe('a method that learns', () => {
  test('gives a pruned model, what it learned, a report and a plot', { timeout }, async () => {
    const more = ['--target-flops', '0.7', '--epochs', '4', '--hard-epochs', '2', '--seed', '3', '--json']
    const files = ['--weights-out', folder.at('l.safetensors'), '--report', folder.at('l'), '--log', folder.at('l.log')]
    const { code, stdout, stderr } = await tpHere(learn('l.onnx', ...more, ...files))
    expect([code, stderr]).toEqual([0, expect.stringMatching(/learning where tokens leave[\s\S]*step 12 of 12: loss/)])
    expect(stderr).toMatch(/training with tokens leaving[\s\S]*% of the selection right/)
    expect(
      folder
        .files()
        .filter((name) => /^\.?l\./.test(name))
        .sort(),
    ).toEqual(['l.json', 'l.log', 'l.onnx', 'l.safetensors', 'l.svg'])
    const { steps, ...report } = document('l.json')
    expect({ ...JSON.parse(stdout), kind: 'training' }).toEqual(report)
    expect(report.layers).toEqual([0, 1])
    expect(report.settings).toMatchObject({ targetFlops: 0.7, epochs: 4, hardEpochs: 2, methodRate: 0.02, seed: 3 })
    expect(report.flops).toBeLessThanOrEqual(0.7)
    expect(report.flops).toBeGreaterThan(0.5)
    expect(steps.filter((step: { part: string }) => step.part === 'soft')).toHaveLength(12)
    expect(steps.filter((step: { part: string }) => step.part === 'hard')).toHaveLength(6)
    expect(read('l.log').toString().trimEnd().split('\n')).toHaveLength(18)
    const learned = readSafetensors(read('l.safetensors'))
    expect([...learned.keys()]).toEqual(['block.0.threshold', 'block.1.threshold'])
    expect(report.learned.map(({ threshold }: { threshold: number }) => threshold)).toEqual(
      [...learned.values()].map((value) => value.data[0]),
    )
    const svg = read('l.svg').toString()
    for (const part of ['prefers-color-scheme: dark', '>loss<', '>share of dense<', '>step<', '>FLOPs aimed at<']) {
      expect(svg).toContain(part)
    }
    expect(svg).not.toMatch(/NaN|undefined|Infinity/)
    expect(readProvenance(decodeModel(read('l.onnx')))[0]?.method).toBe('ltp')
    const check = await tpHere([
      'eval',
      folder.at('l.onnx'),
      ...['--tokenizer', folder.at('bert', 'tokenizer.json')],
      '--data',
      folder.at('dev.tsv'),
      '--json',
    ])
    expect(JSON.parse(check.stdout).rows[0].accuracy).toBe(report.selection.after)
    // The plan says where tokens leave in the words of tp prune.
    writeFileSync(folder.at('plan.json'), JSON.stringify(report.plan))
    const plan = ['--plan', folder.at('plan.json'), '--weights', folder.at('l.safetensors')]
    const again = await tpHere(['prune', model(), '-o', folder.at('again.onnx'), ...plan, '--json'])
    expect([again.code, JSON.parse(again.stdout).schedule]).toEqual([0, report.schedule])
  })

  test('only its own values learn, or the head, or scales and biases', { timeout }, async () => {
    const dense = decodeModel(readFileSync(model()))
    const changed = async (train: string): Promise<string[]> => {
      const { code } = await tpHere(
        learn(`${train}.onnx`, '--epochs', '1', '--train', train, '--report', folder.at(train)),
      )
      expect(code).toBe(0)
      return changedWeights(dense, decodeModel(read(`${train}.onnx`)))
    }
    expect(await changed('method')).toEqual([])
    expect(document('method.json').steps.map(({ part }: { part: string }) => part)).toEqual(['soft', 'soft', 'soft'])
    expect(document('method.json').learned[0].threshold).not.toBe(0.01)
    const head = ['bert.pooler.dense.weight', 'bert.pooler.dense.bias', 'classifier.weight', 'classifier.bias']
    expect((await changed('head')).sort()).toEqual(head.sort())
    expect((await changed('vectors')).every((name) => /bias|LayerNorm/.test(name))).toBe(true)
  })

  test('a budget goes before what it learned; layers may be named alone', { timeout }, async () => {
    const asked = ['--epochs', '0.3', '--hard-epochs', '0', '--json']
    const keep = await tpHere(learn('k.onnx', ...asked, '--keep', '0.5'))
    expect(JSON.parse(keep.stdout).plan).toMatchObject({ layers: [0, 1], keep: [0.5, 0.5] })
    const layers = await tpHere(learn('k.onnx', ...asked, '--layers', '1'))
    expect(JSON.parse(layers.stdout).plan).toMatchObject({ layers: [1], threshold: [expect.any(Number)] })
  })

  test('one that learns no amounts keeps the same share everywhere, by the share of the FLOPs', {
    timeout,
  }, async () => {
    const gated = train('gated', 'g.onnx', '--plugin', plugin, '--epochs', '0.3', '--json')
    const none = await tpHere(gated)
    expect([none.code, none.stderr]).toEqual([
      2,
      expect.stringMatching(/gated learns which tokens stay, not how many: give --target-flops F, or --keep/),
    ])
    const fitted = await tpHere([...gated, '--target-flops', '0.8', '--weights-out', folder.at('g.safetensors')])
    const { plan, flops } = JSON.parse(fitted.stdout)
    expect(new Set(plan.keep).size).toBe(1)
    expect(flops).toBeLessThanOrEqual(0.8)
    // What it learned is needed to prune with it, and then nothing learns.
    const fixed = ['--weights', folder.at('g.safetensors'), '--layers', '0,1', '--keep', '0.5']
    expect((await tpHere([...gated, ...fixed])).code).toBe(0)
    const both = await tpHere([...gated, ...fixed, '--target-flops', '0.8'])
    expect(both.stderr).toMatch(/--target-flops is for methods that learn, and gated works with --weights here/)
  })
})

describe('broken off', () => {
  const args = (out: string): string[] => [
    ...learn(out, '--target-flops', '0.7', '--epochs', '20', '--hard-epochs', '20', '--log', folder.at(`${out}.log`)),
    ...['--weights-out', folder.at(`${out}.safetensors`), '--report', folder.at(out)],
  ]
  const logged = (out: string): { part: string; step: number }[] =>
    existsSync(folder.at(`${out}.log`))
      ? read(`${out}.log`)
          .toString()
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line))
      : []

  /** Sends a signal once so many steps are in the log. */
  async function endedAt(out: string, steps: number, signal: NodeJS.Signals): Promise<Ended> {
    let timer: NodeJS.Timeout | undefined
    const ended = await tp(args(out), {
      onError(_, kill) {
        timer ??= setInterval(() => {
          if (logged(out).length < steps) return
          clearInterval(timer)
          kill(signal)
        }, 2)
      },
    })
    clearInterval(timer)
    return ended
  }

  beforeAll(async () => {
    expect((await tpHere(args('whole'))).code).toBe(0)
  }, timeout)

  // Soft steps are 1 to 60, hard ones 61 to 120; checkpoints are written after each twelve of them.
  const random = randomNumbers(20)
  const between = (low: number, high: number): number => low + Math.floor(random() * (high - low))
  test.each([
    ['SIGKILL', 'soft', between(14, 40)],
    ['SIGKILL', 'hard', between(75, 100)],
    ['SIGINT', 'soft', between(1, 40)],
    ['SIGINT', 'hard', between(62, 100)],
  ] as const)(
    'by %s in the %s part at step %i, it goes on to the same bytes',
    { timeout },
    async (signal, part, step) => {
      const out = `${signal}-${part}`
      const { code } = await endedAt(out, step, signal)
      expect(code).toBe(signal === 'SIGINT' ? 130 : null)
      expect(logged(out).at(-1)?.part).toBe(part)
      expect(folder.files()).not.toContain(out)
      const names = checkpoints()
      expect(names).toContain(`${out}.soft.checkpoint`)
      expect(names.includes(`${out}.checkpoint`)).toBe(part === 'hard')
      // What a kill in the middle of writing leaves behind.
      writeFileSync(folder.at(`.${out}.soft.checkpoint.0123abcd.tmp`), 'half')
      const rest = await tpHere([...args(out), '--resume'])
      expect([rest.code, rest.stderr]).toEqual([0, expect.any(String)])
      for (const suffix of ['', '.safetensors', '.svg']) {
        const [own, whole] = [read(`${out}${suffix}`), read(`whole${suffix}`)].map((bytes) => bytes.toString('latin1'))
        expect(own?.replaceAll(out, 'whole') === whole).toBe(true)
      }
      expect(document(`${out}.json`).steps).toEqual(document('whole.json').steps)
      expect(checkpoints()).toEqual([])
    },
  )
})

describe('what goes wrong', () => {
  const short = (...more: string[]): string[] => learn('e.onnx', '--epochs', '0.3', ...more)
  const classes = (...ids: number[]): string => ids.map((id) => `${id}\tvery good film\n`).join('')
  const withData = (lines: string): string[] => {
    writeFileSync(folder.at('other.tsv'), lines)
    return short().map((arg) => (arg === folder.at('train.tsv') ? folder.at('other.tsv') : arg))
  }

  test.each<[string, () => string[], string, RegExp, number]>([
    ['a share above 1', () => short('--target-flops', '1.5'), 'TP_FLOPS', /1\.5; it must be above 0 and below 1/, 2],
    [
      'one out of reach',
      () => short('--target-flops', '0.05'),
      'TP_FLOPS',
      /with one token left at blocks 0, 1, 0\.\d+ of the FLOPs are left, not 0\.05; ask for more/,
      2,
    ],
    [
      'a layer that is none',
      () => short('--layers', '7'),
      'TP_SCHEDULE',
      /layer 7 does not exist: the model has blocks 0 to 2/,
      2,
    ],
    [
      'epochs below 0',
      () => short('--hard-epochs', '-1'),
      'TP_USAGE',
      /--hard-epochs is -1; it must be a number from 0/,
      2,
    ],
    [
      'a rate of 0',
      () => train('ltp', 'e.onnx', '--method-rate', '0'),
      'TP_OPTION',
      /methodRate is 0; it has to be a number above 0/,
      2,
    ],
    ['nothing to learn, and no budget', () => train('stride', 'e.onnx'), 'TP_USAGE', /say how many tokens stay/, 2],
    [
      'a share for one with nothing to learn',
      () => train('stride', 'e.onnx', '--keep', '0.5', '--target-flops', '0.5'),
      'TP_USAGE',
      /--target-flops is for methods that learn, and stride has nothing to learn/,
      2,
    ],
    [
      'only the method of such',
      () => train('stride', 'e.onnx', '--keep', '0.5', '--train', 'method'),
      'TP_USAGE',
      /--train method: stride has nothing to learn; train all, vectors or head/,
      2,
    ],
    [
      'two files in one place',
      () => short('--weights-out', folder.at('e.onnx')),
      'TP_USAGE',
      /is to be two files at once/,
      2,
    ],
    ['the model itself', () => short('--weights-out', model()), 'TP_OUTPUT', /is the model's own file/, 2],
    [
      'a class without examples',
      () => withData(classes(0, 2, 3, 4)),
      'TP_DATA',
      /no example has class 1 of the model, which it would unlearn; add some, or learn from the dense model alone with --distillation 1/,
      1,
    ],
    ['a class that is none', () => withData(classes(0, 1, 2, 3, 4, 7)), 'TP_DATA', /other\.tsv.*class 7/, 1],
    [
      'no checkpoint',
      () => short('--resume'),
      'TP_FILE_NOT_FOUND',
      /there is no .*e\.onnx\.soft\.checkpoint to go on from; leave --resume out/,
      1,
    ],
    [
      'a folder that is not there',
      () => short('--report', folder.at('nowhere', 'r')),
      'TP_WRITE',
      /the folder does not exist; create it first/,
      1,
    ],
  ])('%s', { timeout }, async (_, args, code, message, exit) => {
    const seen = await tpHere(args())
    expect(seen.stderr).toMatch(message)
    expect(seen.stderr).toContain(`code: ${code}`)
    expect(seen.code).toBe(exit)
    expect(existsSync(folder.at('e.onnx'))).toBe(false)
  })

  test('a class without examples, where the labels do not count', { timeout }, async () => {
    const { code } = await tpHere([...withData(classes(0, 2, 3, 4)), '--distillation', '1', '--hard-epochs', '0'])
    expect(code).toBe(0)
  })

  test('a model that tokens have left already', { timeout }, async () => {
    mkdirSync(folder.at('pruned'))
    writeFileSync(folder.at('pruned', 'tokenizer.json'), wordTokenizer())
    const pruned = folder.at('pruned', 'model.onnx')
    expect((await tpHere(['prune', model(), '-o', pruned, '--method', 'stride', '--keep', '0.5'])).code).toBe(0)
    const { code, stderr } = await tpHere(short().map((arg) => (arg === model() ? pruned : arg)))
    expect([code, stderr]).toEqual([
      4,
      expect.stringMatching(/tokens leave this model already; train the file that it was made from[\s\S]*TP_PRUNED/),
    ])
  })

  test('a loss that is no number leaves the last good checkpoint', { timeout }, async () => {
    const { code, stderr } = await tpHere(
      train('ltp', 'd.onnx', '--epochs', '2', '--batch-size', '4', '--learning-rate', '1e19'),
    )
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/at step \d+; lower the learning rate[\s\S]*code: TP_DIVERGED/),
    ])
    expect(folder.files()).not.toContain('d.onnx')
  })

  test('a checkpoint of another training', { timeout }, async () => {
    writeFileSync(folder.at('r.onnx.soft.checkpoint'), await softCheckpoint())
    const { code, stderr } = await tpHere(learn('r.onnx', '--epochs', '6', '--seed', '5', '--resume'))
    expect(stderr).toMatch(
      /it is one of another training \(seed was 0, and is 5\); give what that one was given, or begin anew/,
    )
    expect([code, stderr]).toEqual([1, expect.stringContaining('code: TP_RESUME')])
  })

  /** The first part's last checkpoint of a training of six epochs whose second part diverged. */
  async function softCheckpoint(): Promise<Buffer> {
    const stopped = await tp(learn('s.onnx', '--epochs', '6'), {
      onError: (text, kill) => void (text.includes('step 4 of 18') && kill('SIGINT')),
    })
    expect(stopped.code).toBe(130)
    return read('s.onnx.soft.checkpoint')
  }

  if (process.getuid?.() !== 0) {
    test('a folder that may not be written to', async () => {
      mkdirSync(folder.at('locked'))
      chmodSync(folder.at('locked'), 0o500)
      const { code, stderr } = await tpHere(short('--report', folder.at('locked', 'r')))
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/not allowed; choose another folder[\s\S]*code: TP_WRITE/),
      ])
    })
  }

  if (canMount()) {
    test('a disk that is full at the end: the checkpoints stay, and are gone on from', { timeout }, async () => {
      mkdirSync(folder.at('disk'))
      mkdirSync(folder.at('saved'))
      const args = (out: string): string[] =>
        learn('x', '--epochs', '2', '--train', 'method').map((arg) => (arg === folder.at('x') ? out : arg))
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

    test('one that is full at the second checkpoint: the first one stays', { timeout }, async () => {
      const stopped = await softCheckpoint()
      mkdirSync(folder.at('narrow'))
      mkdirSync(folder.at('kept'))
      const size = Math.ceil((1.5 * stopped.length) / 1024)
      const script = `mount -t tmpfs -o size=${size}k tmpfs "$DISK" && { "$@"; code=$?; cp -a "$DISK"/. "$SAVED"; exit $code; }`
      const args = (out: string): string[] =>
        learn('x', '--epochs', '6', '--hard-epochs', '0').map((arg) => (arg === folder.at('x') ? out : arg))
      const { code, stderr } = await tp(args(folder.at('narrow', 'n.onnx')), {
        through: ['unshare', '-rm', 'sh', '-c', script, 'sh'],
        env: { DISK: folder.at('narrow'), SAVED: folder.at('kept') },
      })
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/n\.onnx\.soft\.checkpoint was not written: the disk is full/),
      ])
      expect(folder.files().filter((name) => name.startsWith('kept/'))).toEqual(['kept/n.onnx.soft.checkpoint'])
      expect((await tpHere([...args(folder.at('kept', 'n.onnx')), '--resume'])).code).toBe(0)
      expect((await tpHere(args(folder.at('n.onnx')))).code).toBe(0)
      expect(read('kept', 'n.onnx').equals(read('n.onnx'))).toBe(true)
    })
  } else {
    test.skip('disks that are full (none can be mounted here: no user namespaces)', () => {})
  }
})

function canMount(): boolean {
  return spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /mnt']).status === 0
}
