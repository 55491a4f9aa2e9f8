import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { digitsData, mailData, modelPath } from '@tp/models'
import { convolutional } from 'exported-encoders'
import { beforeAll, describe, expect, test } from 'vitest'
import { idx, pixelsOf } from './idx.ts'
import { argv, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const mail = modelPath('mail')
const digits = modelPath('digits-vit')
const MAILS = 4

interface RowContent {
  readonly method: string
  readonly keep: string | null
  readonly seeds: number
  readonly kept: number
  readonly accuracy: number
  readonly flops: number | null
  readonly p50Ms: number
}

beforeAll(() => {
  const mails = mailData('calibration').filter(({ text }) => text.length > 200 && text.length < 500)
  const lines = mails
    .slice(0, MAILS)
    .map(({ text, label }) => `${['ham', 'spam'][label]}\t${text.replaceAll('\t', ' ')}`)
  writeFileSync(folder.at('mails.tsv'), `${lines.join('\n')}\n`)
  const images = digitsData('calibration').filter((_, i) => i % 50 === 0)
  writeFileSync(folder.at('some-images-idx3-ubyte'), idx([images.length, 28, 28], images.flatMap(pixelsOf)))
  writeFileSync(
    folder.at('some-labels-idx1-ubyte'),
    idx(
      [images.length],
      images.map(({ label }) => label),
    ),
  )
})

describe('eval of texts', () => {
  test('prints one row per method and budget, after dense and none', { timeout: 180_000 }, async () => {
    const args = ['--methods', 'none,random,received-attention', '--keep', '0.6', '--tokens', '9999', '--json']
    const { code, stdout, stderr } = await tpHere(['eval', mail, '--data', folder.at('mails.tsv'), ...args])
    expect(code).toBe(0)
    expect(stderr).toContain('evaluating received-attention 0.6')
    const document = JSON.parse(stdout)
    expect(document).toMatchObject({
      format: 1,
      kind: 'eval',
      model: mail,
      task: 'classification',
      examples: MAILS,
      notes: [],
    })
    const rows: RowContent[] = document.rows
    expect(rows.map(({ method, keep, seeds }) => [method, keep, seeds])).toEqual([
      ['dense', null, 1],
      ['none', null, 1],
      ['random', '0.6', 5],
      ['random', 'tokens 9999', 5],
      ['received-attention', '0.6', 1],
      ['received-attention', 'tokens 9999', 1],
    ])
    // what keeps every token gives the dense answers
    const [dense, ...others] = rows
    const { accuracy } = dense as RowContent
    for (const row of others.filter(({ keep }) => keep !== '0.6'))
      expect(row).toMatchObject({ kept: 1, agreement: 100, accuracy, loss: { estimate: 0 } })
    // every pair of prunings
    expect(document.between).toHaveLength((4 * 3) / 2)
    const at60 = others.filter(({ keep }) => keep === '0.6')
    // every row keeps at least 0.6^l after the l-th cut, and at most one token more at each
    for (const { kept, flops } of at60) {
      expect(kept).toBeGreaterThan((1 + 0.6 + 0.36 + 0.216 + 0.13 + 0.078) / 6)
      expect(kept).toBeLessThan(0.45)
      expect(flops).toBeGreaterThan(2)
    }
    expect(dense?.flops).toBe(1)
    expect(others[0]?.flops).toBeGreaterThan(1.1)
  })

  test('prints a table', async () => {
    const args = ['--methods', 'received-attention', '--set', 'mass=0.9', '--limit', '4']
    const { code, stdout } = await tpHere(['eval', mail, '--data', folder.at('mails.tsv'), ...args])
    expect(code).toBe(0)
    const [title, headings, ...rows] = stdout.trimEnd().split('\n')
    expect(title).toMatch(
      /^model {2}model\.onnx 6×128 {3}4 examples, \d+ … \d+ tokens {3}onnxruntime-node [\d.]+, 1 thread$/,
    )
    expect(headings).toMatch(
      /^method +keep +kept +accuracy +loss in points +McNemar p +agrees with dense +FLOPs +p50 ms +speed-up$/,
    )
    // These four mails are of one class.
    const advice = 'gives all examples the same class, so they cannot show a loss; give examples of all classes'
    expect(rows.slice(3)).toEqual(['', `dense: ${advice}`])
    expect(stdout).not.toContain('against')
    expect(rows[2]).toMatch(
      /^received-attention +mass 0\.9 +0\.\d\d +[\d.]+ \([\d.]+ … [\d.]+\) +.+ % +\d\.\d\d× +[\d.]+ +\d\.\d\d× \(/,
    )
  })

  test('prints a row for each choice of layers to leave out, with or without methods', {
    tags: 'exhaustive',
  }, async () => {
    const layers = ['--leave-out', '4', '--leave-out', '1,4,3']
    const data = ['eval', mail, '--data', folder.at('mails.tsv')]
    const { code, stdout } = await tpHere([...data, ...layers, '--json'])
    expect(code).toBe(0)
    const rows: readonly (RowContent & { readonly keptByLayer: readonly number[] })[] = JSON.parse(stdout).rows
    const names = ['none, without layer 4', 'none, without layers 1, 3, 4']
    expect(rows.map(({ method }) => method)).toEqual(['dense', 'none', ...names])
    const [, none, one, three] = rows
    expect(three?.keptByLayer).toEqual([1, 1, 1])
    expect(one?.flops).toBeGreaterThan(1.15 * (none?.flops as number))
    expect(three?.flops).toBeGreaterThan(1.5 * (one?.flops as number))
    const table = await tpHere([...data, '--methods', 'truncate', '--keep', '0.5', ...layers, '--limit', '1'])
    expect(table.stdout.split('\n').map((line) => line.split(/ {2,}/)[0])).toEqual(
      expect.arrayContaining([...names, 'truncate']),
    )
  })

  test('takes class names as an option where the model has none', async () => {
    copyFileSync(mail, folder.at('alone.onnx'))
    const args = ['eval', folder.at('alone.onnx'), '--data', folder.at('mails.tsv'), '--limit', '4']
    const unknown = await tpHere([...args, '--read', `tokenizer=${modelPath('mail', 'tokenizer')}`])
    expect(unknown.stderr).toMatch(/mails\.tsv, line 1: the label "\w+" is a name[\s\S]*code: TP_DATA/)
    const known = await tpHere(argv`${args} --read tokenizer=${modelPath('mail', 'tokenizer')} --read labels=ham,spam`)
    expect(known.code).toBe(0)
  })
})

test('notes in eval of images the normalization that it assumed', async () => {
  const args = ['--methods', 'cls-attention', '--keep', '0.5', '--json']
  const { code, stdout } = await tpHere(['eval', digits, '--data', folder.at('some-images-idx3-ubyte'), ...args])
  expect(code).toBe(0)
  const { notes, rows } = JSON.parse(stdout)
  expect(notes).toEqual([expect.stringContaining('normalized by their own mean')])
  // (197·5000 + 9999) div 10⁴ = 99, then 50, 25, 13, 7
  expect(rows[2].kept).toBeCloseTo((197 + 99 + 50 + 25 + 13 + 7) / 197 / 6, 6)
  expect(rows[0].accuracy).toBeGreaterThan(80)
})

test('refuses the methods in eval of a model that cannot be pruned', async () => {
  writeFileSync(folder.at('conv.onnx'), convolutional())
  const args = ['eval', folder.at('conv.onnx'), '--data', folder.at('some-images-idx3-ubyte'), '--methods', 'none']
  const { code, stderr } = await tpHere(args)
  expect(stderr).toContain('code: TP_NO_ATTENTION')
  expect(code).toBe(4)
})

describe('invalid data exit with 1 and name the line', () => {
  test.each<[string, () => string[], string, RegExp]>([
    ['no data', () => ['--data', folder.at('missing.tsv')], 'TP_DATA', /missing\.tsv: there is no such file or folder/],
    [
      'an unknown label',
      () => ['--data', tsv('ham\tfine\neggs\tspam')],
      'TP_DATA',
      /line 2: unknown label "eggs"; the model knows ham, spam/,
    ],
    [
      'a line without label',
      () => ['--data', tsv('ham\tfine\nno label here')],
      'TP_DATA',
      /line 2 has 1 column, not 2/,
    ],
    [
      'an empty file',
      () => ['--data', tsv('')],
      'TP_DATA',
      /holds no example; it has to have a text in each line, and its label/,
    ],
    [
      'images',
      () => ['--data', folder.at('some-images-idx3-ubyte'), '--limit', '3'],
      'TP_DATA',
      /holds image data, but the model takes text/,
    ],
    [
      'no tokenizer',
      () => ['--data', folder.at('mails.tsv'), '--read', `tokenizer=${folder.at('no.json')}`],
      'TP_TOKENIZER',
      /no\.json/,
    ],
    [
      'data for a tokenizer',
      () => ['--data', folder.at('mails.tsv'), '--read', `tokenizer=${folder.at('mails.tsv')}`],
      'TP_TOKENIZER',
      /mails\.tsv/,
    ],
    [
      'a tokenizer of another model',
      () => ['--data', folder.at('mails.tsv'), '--read', `tokenizer=${largerTokenizer()}`],
      'TP_TOKENIZER',
      /belongs to another model/,
    ],
  ])('%s', async (_, args, errorCode, message) => {
    const { code, stdout, stderr } = await tpHere(['eval', mail, ...args()])
    expect(stderr).toMatch(message)
    expect(stderr).toContain(`code: ${errorCode}`)
    expect(code).toBe(1)
    expect(stdout).toBe('')
  })
})

function tsv(text: string): string {
  writeFileSync(folder.at('case.tsv'), text)
  return folder.at('case.tsv')
}

/** The mail tokenizer with its ids moved up by one thousand: some are beyond the model's 8,192. */
function largerTokenizer(): string {
  const json = JSON.parse(readFileSync(modelPath('mail', 'tokenizer'), 'utf8'))
  const vocab: Record<string, number> = json.model.vocab
  for (const [piece, id] of Object.entries(vocab)) if (id > 1000) vocab[piece] = id + 1000
  writeFileSync(folder.at('larger.json'), JSON.stringify(json))
  return folder.at('larger.json')
}
