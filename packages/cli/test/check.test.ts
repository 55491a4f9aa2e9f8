import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadTokenizer } from '@tp/data'
import { joinMarks, textDataset, textInputs } from '@tp/data/inputs'
import { mailData, modelPath } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { mailEmbedder, words, wordTokenizer } from './small-models.ts'
import { argv, fixture, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const mail = modelPath('mail')
const timeout = 60_000

const check = (pruned: string, ...args: string[]) =>
  tpHere(['check', folder.at(pruned), '--against', mail, '--data', folder.at('mails.tsv'), ...args])
/** A few runs on a busy machine say nothing of speed. */
const anySpeed = ['--min-speedup', '0.01']
const prune = async (out: string, from: string, ...args: string[]): Promise<void> => {
  const { code } = await tpHere(['prune', from, '-o', folder.at(out), ...args])
  expect(code).toBe(0)
}

beforeAll(async () => {
  const mails = mailData('calibration').filter(({ text }) => text.length > 100 && text.length < 300)
  // Of one class alone they would show no loss.
  const both = [0, 1].flatMap((own) => mails.filter(({ label }) => label === own).slice(0, 6))
  const texts = both.map(({ text, label }) => ({ text: text.replaceAll('\t', ' '), label }))
  const lines = texts.map(({ text, label }) => `${['ham', 'spam'][label]}\t${text}\n`)
  writeFileSync(folder.at('mails.tsv'), lines.join(''))
  writeFileSync(folder.at('texts.txt'), texts.map(({ text }) => `${text}\n`).join(''))
  await prune('exact.onnx', mail, '--method', 'none')
  await prune('few.onnx', mail, '--method', 'received-attention', '--keep', '0.5')
  // A method that keeps the first tokens of a mail: half of the answers change.
  await prune('broken.onnx', mail, '--method', 'truncate', '--layers', '0', '--tokens', '2')
})

describe('tp check', () => {
  test('puts speed, paired loss, agreement and origin into one table, and a verdict under it', {
    timeout,
  }, async () => {
    const { code, stdout } = await check('few.onnx', '--max-loss', '20', ...anySpeed)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ +model\.onnx +few\.onnx$/m)
    expect(stdout).toMatch(
      /^made from +no record of pruning +model\.onnx: received-attention, keep 0\.5 at layers 1–4$/m,
    )
    expect(stdout).toMatch(/^accuracy +\d+\.\d \(.*\) +\d+\.\d \(.*\)$/m)
    expect(stdout).toMatch(/^loss in points +−?\d+\.\d \(.* … .*\)$/m)
    expect(stdout).toMatch(/^agrees with dense +100\.0 % +\d+\.\d %$/m)
    expect(stdout).toMatch(/^speed-up +1\.00× +\d+\.\d\d× \(.*\)$/m)
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^(yes|not shown): /)
  })

  test('compares answers with those of the dense model where the data have no labels, and says so', {
    timeout,
  }, async () => {
    const args = ['--against', mail, '--data', folder.at('texts.txt'), '--max-loss', '1']
    const { code, stdout, stderr } = await tpHere(['check', folder.at('broken.onnx'), ...args])
    expect(stderr).toContain('texts.txt has no labels: answers are compared with those of the dense model')
    expect(stdout).toMatch(/^answers changed +\d+\.\d \(.* … .*\)$/m)
    expect(stdout).toMatch(/^expected loss +\d+\.\d \(.* … .*\)$/m)
    expect(stdout).not.toContain('accuracy ')
    expect(stdout).toMatch(/^no: it loses \d+\.\d \(.*\) points of expected accuracy, and 1 is allowed/m)
    expect(code).toBe(3)
    const read = ['check', folder.at('broken.onnx'), '--against', mail, '--data', folder.at('mails.tsv'), '--unlabeled']
    const ignored = await tpHere([...read, '--json'])
    expect(JSON.parse(ignored.stdout).pruned).toMatchObject({ changed: { estimate: expect.any(Number) } })
  })

  test('says what few examples do not show, and exits with 3 for it if confidence is demanded', {
    timeout,
  }, async () => {
    const { code, stdout } = await check('few.onnx', '--max-loss', '10', '--confident', '--json', ...anySpeed)
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'check',
      maxLoss: 10,
      confident: true,
      loss: { unit: 'points of accuracy', same: false },
      verdict: { answer: 'not shown', passed: false, text: expect.stringContaining('12 examples do not show') },
    })
    expect(code).toBe(3)
  })

  test('finds the outputs of an exact file the same, and names what it was made from', { timeout }, async () => {
    const { stdout } = await check('exact.onnx', '--json')
    const { loss, verdict, dense, pruned } = JSON.parse(stdout)
    expect(loss.same).toBe(true)
    expect(verdict.text).toContain('all outputs are the dense ones')
    expect(dense).toMatchObject({ prunings: [] })
    expect(pruned).toMatchObject({ prunings: [{ method: 'none' }], madeFromOther: true, agreement: 100 })
  })

  test('judges vectors by their cosine to the dense ones', { timeout }, async () => {
    writeFileSync(folder.at('states.onnx'), mailEmbedder())
    copyFileSync(modelPath('mail', 'tokenizer'), folder.at('tokenizer.json'))
    await prune('merged.onnx', folder.at('states.onnx'), '--method', 'random', '--keep', '0.3')
    const { code, stdout } = await tpHere(
      argv`check ${folder.at('merged.onnx')} --against ${folder.at('states.onnx')} --data ${folder.at('texts.txt')} --max-loss 0`,
    )
    expect(stdout).toMatch(/^cosine to dense +[01]\.\d+$/m)
    expect(stdout).toMatch(/^no: it loses .* hundredths of the cosine to the dense vectors, and 0 are allowed/m)
    expect(code).toBe(3)
  })

  test('never says yes on examples that chose the plan, and judges by the others where they are enough', {
    timeout,
  }, async () => {
    mkdirSync(folder.at('small'))
    const [small, out] = ['model.onnx', 'pruned.onnx'].map((name) => folder.at('small', name)) as [string, string]
    copyFileSync(fixture('bert-cls-eager-ts11'), small)
    writeFileSync(folder.at('small', 'tokenizer.json'), wordTokenizer())
    // Numbers to the base 4: no two are alike.
    const examples = Array.from({ length: 130 }, (_, i) => ({
      label: i % 5,
      text: [6, 4, 2, 0].map((shift) => words[5 + ((i >> shift) & 3)]).join(' '),
    }))
    const write = (name: string, some: typeof examples): string => {
      writeFileSync(folder.at('small', name), some.map(({ text, label }) => `${label}\t${text}\n`).join(''))
      return folder.at('small', name)
    }
    await using session = await nodeRuntime().load(readFileSync(small))
    const tokenizer = await loadTokenizer(folder.at('small', 'tokenizer.json'))
    const choosing = await textInputs(textDataset('chose', examples.slice(0, 65)), session.inputs, tokenizer)
    const chosenOn = await joinMarks([choosing])
    const plan = { format: 1, method: 'stride', layers: [2], keep: 0.9, chosenOn }
    writeFileSync(folder.at('small', 'plan.json'), JSON.stringify(plan))
    await prune('small/pruned.onnx', small, '--plan', folder.at('small', 'plan.json'))
    const checkOn = async (data: string) => {
      const args = ['check', out, '--against', small, '--data', data, '--max-loss', '100', ...anySpeed, '--json']
      const { examples: judged, chose, verdict } = JSON.parse((await tpHere(args)).stdout)
      return { judged, chose, ...verdict }
    }
    // Other labels make no other examples.
    const relabeled = examples.slice(0, 100).map((one) => ({ ...one, label: 1 }))
    const seen = await checkOn(write('seen.tsv', relabeled))
    expect(seen).toMatchObject({ judged: 100, chose: 65, answer: 'not shown' })
    expect(seen.text).toMatch(/; but 65 of 100 examples chose or taught it, and flatter it; give others$/)
    const both = await checkOn(write('both.tsv', examples))
    expect(both).toMatchObject({ judged: 65, chose: 65, answer: 'yes' })
    expect(both.text).toMatch(/; 65 more examples chose or taught it, and are not counted$/)
  })

  test('refuses two models that do not take the same inputs', async () => {
    const files = ['check', modelPath('digits-vit'), '--against', mail, '--data', folder.at('mails.tsv')]
    const { code, stderr } = await tpHere(files)
    expect(stderr).toContain('give a file that was made from the other')
    expect([code, stderr]).toEqual([1, expect.stringContaining('code: TP_INPUT')])
  })
})

test('no table calls a pruned file dense', { timeout }, async () => {
  copyFileSync(modelPath('mail', 'tokenizer'), folder.at('tokenizer.json'))
  const { stdout } = await tpHere(
    argv`eval ${folder.at('few.onnx')} --data ${folder.at('mails.tsv')} --limit 4 --read labels=ham,spam`,
  )
  expect(stdout).toMatch(/^as pruned /m)
  expect(stdout).not.toMatch(/^dense /m)
})
