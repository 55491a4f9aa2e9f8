import { execFile, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runBulk } from '@tp/bulk'
import { prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** Python with the packages of PyPI that the README names; TP_PYTHON names another one than `python3`. */
const python = process.env.TP_PYTHON ?? 'python3'
const missing = (packages: readonly string[]): boolean =>
  spawnSync(python, ['-c', `import importlib.util as i; [i.find_spec(x).name for x in '${packages}'.split(',')]`])
    .status !== 0

const engines = ['ray', 'spark'].map((name) => {
  const packages = ['onnxruntime', 'tokenizers', 'numpy', 'pandas', 'pyarrow', name === 'ray' ? 'ray' : 'pyspark']
  return { name, packages: packages.join(', '), isMissing: missing(packages) }
})

interface Answer {
  readonly id: number
  readonly label: string
  readonly score: number
}

const FILES = 3
const ROWS = 150

const folder = mkdtempSync(join(tmpdir(), 'tp-engines-'))
const at = (...parts: string[]): string => join(folder, ...parts)
let expected: readonly Answer[]

const answersOf = (text: string): Answer[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer)

/** The answers of `tp run` for mails in several files, with the pruned model next to its tokenizer. */
beforeAll(async () => {
  mkdirSync(at('model'))
  mkdirSync(at('mails'))
  for (const name of ['config', 'tokenizer'] as const)
    copyFileSync(modelPath('mail', name), at('model', `${name}.json`))
  const result = transform(
    decodeModel(readFileSync(modelPath('mail'))),
    prune({
      method: receivedAttention(),
      schedule: schedule(6, { keep: 0.6 }),
    }),
  )
  writeFileSync(at('model', 'pruned.onnx'), encodeModel(result.model))
  const mails = mailData('test').slice(0, FILES * ROWS)
  for (let file = 0; file < FILES; file++) {
    const rows = mails.slice(file * ROWS, (file + 1) * ROWS)
    const lines = rows.map(({ text }, row) => `${JSON.stringify({ id: file * ROWS + row, text })}\n`)
    writeFileSync(at('mails', `part-${file}.jsonl`), lines.join(''))
  }
  await runBulk({ model: at('model', 'pruned.onnx'), data: at('mails'), out: at('wanted.jsonl'), threads: 1 })
  expected = answersOf(readFileSync(at('wanted.jsonl'), 'utf8'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

for (const { name, packages, isMissing } of engines) {
  test.skipIf(isMissing)(`with_${name}.py answers as tp run does (requires ${packages} of PyPI)`, async () => {
    const program = fileURLToPath(new URL(`../engines/with_${name}.py`, import.meta.url))
    await promisify(execFile)(python, [program, at('model'), at('mails'), at(name)], {
      env: {
        ...process.env,
        PYTHONDONTWRITEBYTECODE: '1',
        // Neither asks a network for anything.
        RAY_USAGE_STATS_ENABLED: '0',
        SPARK_LOCAL_IP: '127.0.0.1',
        PYSPARK_PYTHON: python,
      },
    })
    const parts = readdirSync(at(name)).filter((file) => file.endsWith('.json'))
    const answers = parts.flatMap((part) => answersOf(readFileSync(at(name, part), 'utf8')))
    answers.sort((one, other) => one.id - other.id)
    const classes = (rows: readonly Answer[]) => rows.map(({ id, label }) => [id, label])
    expect(classes(answers)).toEqual(classes(expected))
    expect(expected).toHaveLength(FILES * ROWS)
    const differences = answers.map(({ score }, row) => Math.abs(score - (expected[row] as Answer).score))
    expect(Math.max(...differences)).toBeLessThan(1e-5)
  })
}
