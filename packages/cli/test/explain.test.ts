import { readFileSync, writeFileSync } from 'node:fs'
import { digitsData, modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { convolutional, languageModel, lessPrecision } from 'exported-encoders'
import { beforeAll, describe, expect, test } from 'vitest'
import { describeExplanation } from '../src/printing/explanation-text.ts'
import { idx, pixelsOf } from './idx.ts'
import { argv, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
function decoder(): string {
  writeFileSync(folder.at('decoder.onnx'), encodeModel(languageModel()))
  return folder.at('decoder.onnx')
}
const mail = modelPath('mail')
const digits = modelPath('digits-vit')
// a gradient of a whole model is built and loaded for each call
const timeout = 180_000

interface Token {
  readonly text?: string
  readonly saliency: number
  readonly prunedAt?: number | null
  readonly score?: number | null
}

beforeAll(() => {
  const mails = [
    'ham\tSee you at the meeting on Monday, I bring the slides',
    'spam\tYou have won cash, click here to claim your prize now',
    'ham\tLunch?',
  ]
  writeFileSync(folder.at('mails.tsv'), `${mails.join('\n')}\n`)
  const images = digitsData('calibration').slice(0, 3)
  writeFileSync(folder.at('some-images-idx3-ubyte'), idx([3, 28, 28], images.flatMap(pixelsOf)))
  const labels = images.map(({ label }) => label)
  writeFileSync(folder.at('some-labels-idx1-ubyte'), idx([3], labels))
}, timeout)

const ofMails = (...args: string[]): string[] => ['explain', mail, '--data', folder.at('mails.tsv'), ...args]
const ofDigits = (...args: string[]): string[] =>
  argv`explain ${digits} --data ${folder.at('some-images-idx3-ubyte')} ${args}`
/** The model with weights of 4 bits. */
function inFourBits(): string {
  writeFileSync(folder.at('four.onnx'), encodeModel(lessPrecision(decodeModel(readFileSync(mail)), '4-bit')))
  return folder.at('four.onnx')
}
const byReceived = ['--method', 'received-attention', '--keep', '0.6']

describe('explain of texts', () => {
  test('lists the words of each example in their order, with data on stdout and progress on stderr', {
    timeout,
  }, async () => {
    const { code, stdout, stderr } = await tpHere(ofMails('--limit', '2'))
    expect([code, stderr]).toEqual([0, expect.stringMatching(/reading .*mails\.tsv\ncomputing saliency\n$/)])
    const [first = '', second = '', ...more] = stdout.trimEnd().split('\n\n')
    expect(more).toEqual([])
    expect(first).toMatch(/^example 0: label ham, answer ham \(\d+ %\)\n {2}looks most at {2}\S+ · /)
    expect(second).toMatch(/^example 1: label spam, answer spam \(\d+ %\)\n/)
    const words = second.split('\n').slice(3)
    expect(words.map((line) => /^ *\*? *(\S+)/.exec(line)?.[1])).toEqual(
      '[CLS] you have won cash , click here to claim your prize now [SEP]'.split(' '),
    )
    expect(second).toMatch(/^ {2}\* {2}prize +█{20} +100 %$/m)
    expect(words.filter((line) => line.includes('*'))).toHaveLength(2)
    expect(stdout).not.toContain('\u001b')
  })

  test('explains texts of the command line as those of a file', { timeout }, async () => {
    const texts = ['--text', 'You have won cash, click here to claim your prize now', '--text', 'Lunch?']
    const written = await tpHere(['explain', mail, '--json', ...texts])
    const { examples } = JSON.parse((await tpHere(ofMails('--json'))).stdout)
    const found = JSON.parse(written.stdout)
    expect(found.texts).toEqual([texts[1], texts[3]])
    const answers = (of: object[]): object[] => of.map((each) => ({ ...each, example: 0, label: 0 }))
    expect(answers(found.examples)).toEqual(answers(examples.slice(1)))
  })

  test('prints one JSON document for either score', { timeout }, async () => {
    const found = []
    for (const score of [[], ['--score', 'taylor']]) {
      const { code, stdout } = await tpHere(ofMails('--json', '--limit', '2', ...score))
      expect(code).toBe(0)
      found.push(JSON.parse(stdout))
    }
    const [usual, taylor] = found
    expect(usual).toMatchObject({ format: 1, kind: 'explain', model: mail, score: 'gradient-input', notes: [] })
    expect(usual).not.toHaveProperty('method')
    expect(usual.examples.map(({ label, answer }: { label: string; answer: string }) => [label, answer])).toEqual([
      ['ham', 'ham'],
      ['spam', 'spam'],
    ])
    expect(taylor.score).toBe('taylor')
    expect(taylor.examples).not.toEqual(usual.examples)
    for (const { examples } of [usual, taylor]) {
      for (const { tokens, probability } of examples as { tokens: Token[]; probability: number }[]) {
        expect(probability).toBeGreaterThan(0.5)
        expect(Math.max(...tokens.map(({ saliency }) => saliency))).toBe(1)
        expect(Math.min(...tokens.map(({ saliency }) => saliency))).toBeGreaterThanOrEqual(0)
        expect([tokens[0]?.text, tokens.at(-1)?.text]).toEqual(['[CLS]', '[SEP]'])
        expect(tokens[0]).not.toHaveProperty('prunedAt')
      }
    }
  })

  test('says with a method where each token is pruned, and whether the model looks at it', {
    timeout,
  }, async () => {
    const { code, stdout } = await tpHere(ofMails(...byReceived, '--layers', '1,3', '--json'))
    expect(code).toBe(0)
    const { method, schedule, correlation, examples } = JSON.parse(stdout)
    expect([method, schedule]).toEqual([
      'received-attention',
      [1, 3].map((layer) => ({ layer, kind: 'ratio', value: 0.6 })),
    ])
    const own: number[] = []
    const scores = (tokens: readonly Token[], layer: number): number[] =>
      tokens.flatMap(({ prunedAt, score }) => (prunedAt === layer ? [score as number] : []))
    for (const { tokens, pruned } of examples as { tokens: Token[]; pruned: { correlation: number } }[]) {
      // the head reads the class token: it is kept. ⌈0.6·n⌉ after each cut
      expect(tokens[0]?.prunedAt).toBeNull()
      const after = Math.ceil(0.6 * tokens.length)
      const left = [1, 3, null].map((layer) => tokens.filter(({ prunedAt }) => prunedAt === layer).length)
      expect(left).toEqual([tokens.length - after, after - Math.ceil(0.6 * after), Math.ceil(0.6 * after)])
      // after the last cut the higher ranked tokens are kept
      const lowest = Math.min(...tokens.slice(1).flatMap((t) => (t.prunedAt === null ? [t.score as number] : [])))
      expect(lowest).toBeGreaterThanOrEqual(Math.max(...scores(tokens, 3)))
      expect(Math.abs(pruned.correlation)).toBeLessThanOrEqual(1)
      own.push(pruned.correlation)
    }
    expect(correlation).toBeCloseTo(own.reduce((sum, value) => sum + value, 0) / own.length, 12)
    const text = await tpHere(ofMails(...byReceived, '--limit', '1'))
    expect(text.stdout).toMatch(/^example 0: .*, pruned ham; rank correlation -?[01]\.\d\d$/m)
    expect(text.stdout).toMatch(/^ +token +saliency +pruned at +with score$/m)
    expect(text.stdout).toMatch(/^ +\[CLS\] .* % {2}kept +0\.\d+$/m)
    expect(text.stdout).toMatch(/\nreceived-attention: mean rank correlation of how long .* -?[01]\.\d\d\n$/)
  })
})

test('shows patches of images at their positions, and the layers where they are pruned', { timeout }, async () => {
  const args = ofDigits('--method', 'cls-attention', '--keep', '0.5', '--limit', '2')
  const json = JSON.parse((await tpHere([...args, '--json'])).stdout)
  expect(json.notes).toEqual([expect.stringContaining('normalized by their own mean')])
  expect(json.examples).toHaveLength(2)
  expect(json.examples[0].grid).toEqual({ before: 1, rows: 14, columns: 14 })
  expect(json.examples[0].tokens).toHaveLength(197)
  expect(json.examples[0].tokens[0]).toEqual({
    saliency: expect.any(Number),
    prunedAt: null,
    score: expect.any(Number),
  })
  const { code, stdout, stderr } = await tpHere(args)
  expect([code, stderr]).toEqual([0, expect.stringContaining('normalized by their own mean')])
  const [title, front, ...rest] = stdout.split('\n\n')[0]?.split('\n') ?? []
  expect(title).toMatch(/^example 0: label \d, answer \d \(\d+ %\), pruned \d; rank correlation/)
  expect(front).toMatch(/^ {2}class token {2}\d+ %, kept$/)
  expect(rest.slice(0, 14).every((line) => /^ {2}[·░▒▓█]{28} {2}( {2}[\d·]){14}$/.test(line))).toBe(true)
  expect(rest.slice(0, 14).join('')).toContain('██')
  expect(rest[14]).toMatch(/^ {2}patches: /)
  expect(rest).toHaveLength(15)
})

describe('explain refuses', () => {
  test.each<[string, () => string[], string, RegExp, number]>([
    ['no data', () => ['explain', mail], 'TP_USAGE', /--data PATH or --text TEXT is missing: the examples/, 2],
    ['a text next to a file', () => ofMails('--text', 'x'), 'TP_USAGE', /--data/, 2],
    ['a text for images', () => ['explain', digits, '--text', 'x'], 'TP_DATA', /holds text data.*takes image/, 1],
    ['missing data', () => ofMails('--data', 'x').toSpliced(2, 2), 'TP_DATA', /there is no such file/, 1],
    ['an unknown score', () => ofMails('--score', 'grad'), 'TP_USAGE', /it must be gradient-input or taylor/, 2],
    ['a budget without a method', () => ofMails('--keep', '0.5'), 'TP_USAGE', /--keep requires --method NAME/, 2],
    ['a method without a budget', () => ofMails('--method', 'random'), 'TP_USAGE', /say how many tokens to keep/, 2],
    [
      'weights of 4 bits',
      () => argv`explain ${inFourBits()} --text won --read tokenizer=${modelPath('mail', 'tokenizer')}`,
      'TP_GRADIENT',
      /four\.onnx: a gradient cannot pass .*MatMulNBits.*; explain the model as it was before it was quantized or fused/,
      1,
    ],
    ['a decoder', () => ofMails().with(1, decoder()), 'TP_CAUSAL', /./, 4],
  ])('%s', { timeout }, async (_, args, errorCode, message, exit) => {
    const { code, stdout, stderr } = await tpHere(args())
    expect(stderr).toMatch(message)
    expect(stderr).toContain(`code: ${errorCode}`)
    expect(code).toBe(exit)
    expect(stdout).toBe('')
  })

  test('a method for a model that cannot be pruned, and for one that is pruned already', {
    timeout,
  }, async () => {
    writeFileSync(folder.at('conv.onnx'), convolutional())
    const conv = await tpHere(ofDigits('--json').with(1, folder.at('conv.onnx')))
    expect([conv.code, JSON.parse(conv.stdout)]).toEqual([
      4,
      expect.objectContaining({ kind: 'refusal', code: 'TP_NO_ATTENTION' }),
    ])
    const pruned = folder.at('pruned.onnx')
    expect((await tpHere(['prune', mail, '-o', pruned, ...byReceived])).code).toBe(0)
    const again = await tpHere(ofMails().with(1, pruned))
    expect([again.code, again.stderr]).toEqual([
      4,
      expect.stringMatching(/explain the file that it was made from, with --method[\s\S]*code: TP_PRUNED/),
    ])
  })
})

test('shows the strongest tokens in bold on a terminal', () => {
  const explanation = {
    ...{ example: 3, label: 1, answer: 0, probability: 0.75, grid: undefined, pruned: undefined },
    tokens: [
      { text: 'won', saliency: 1 },
      { text: 'the', saliency: 0.25 },
    ],
  }
  const about = { classes: undefined, classToken: undefined }
  const plain = describeExplanation(explanation, { ...about, styled: false })
  expect(plain.split('\n')).toEqual([
    'example 3: label 1, answer 0 (75 %)',
    '  looks most at  won · the',
    '     token  saliency',
    '  *  won    ████████████████████  100 %',
    '     the    █████                  25 %',
  ])
  const bold = describeExplanation(explanation, { ...about, styled: true }).split('\n')
  expect(bold[3]).toBe(`  \u001b[1m*  won    ████████████████████  100 %\u001b[22m`)
  expect(bold[4]).toBe(plain.split('\n')[4])
})
