import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { modelPath } from '@tp/models'
import { thorough } from 'exported-encoders'
import { beforeAll, describe, expect, test } from 'vitest'
import { folder, learn, withSentences } from './learning-folder.ts'
import { argv, bin } from './tp.ts'

const digits = modelPath('digits-vit')
const KILLS = thorough(1, 5)
const timeout = 3_600_000

withSentences()
beforeAll(() => {
  mkdirSync(folder.at('model'))
  copyFileSync(digits, folder.at('model/model.onnx'))
  copyFileSync(modelPath('digits-vit', 'config'), folder.at('model/config.json'))
  const rows = Array.from({ length: 200 }, (_, id) => JSON.stringify({ id, text: `mail ${id} `.repeat(1 + (id % 30)) }))
  writeFileSync(folder.at('rows.jsonl'), `${rows.join('\n')}\n`)
})

/** Runs the command, and kills it after so many milliseconds. @returns its exit code, and how long it took */
async function run(
  args: readonly string[],
  killAfter?: number,
): Promise<{ code: number | null; milliseconds: number }> {
  const start = performance.now()
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder.at(), stdio: 'ignore' })
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter)
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  clearTimeout(timer)
  return { code, milliseconds: performance.now() - start }
}

/** Moments all over the time that the command takes. */
function moments(milliseconds: number): number[] {
  return Array.from({ length: KILLS }, (_, i) => (milliseconds * (i + Math.random())) / KILLS)
}

/** Hashes of the files of a place, by name; of a file its own. */
function contents(place: string): Record<string, string> {
  const hash = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
  if (!existsSync(folder.at(place))) return {}
  const entries = readdirSync(folder.at(place), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return Object.fromEntries(entries.map(({ parentPath, name }) => [name, hash(join(parentPath, name))]).toSorted())
}

const model = (place: string): string | undefined => contents(place)['model.onnx']
const leftovers = (): string[] =>
  folder.files().filter((name) => /\.(?:tmp|lock|replaced|measured|checkpoint)$/.test(name))

describe('a command that is killed at any moment', () => {
  test('writes a folder whole or not at all, keeps the one that it replaces, and what it left is removed', {
    timeout,
    tags: 'exhaustive',
  }, async () => {
    const prune = (out: string, keep: string, ...more: string[]): string[] =>
      argv`prune model -o ${out}/ --method stride --keep ${keep} ${more}`
    const original = contents('model')
    const { milliseconds } = await run(prune('old', '0.5'))
    await run(prune('new', '0.7'))
    const [old, fresh] = [contents('old'), contents('new')]
    for (const moment of moments(milliseconds)) {
      await run(prune('fast', '0.7'), moment)
      expect([{}, Object.keys(fresh)]).toContainEqual(
        existsSync(folder.at('fast')) ? Object.keys(contents('fast')) : {},
      )
      if (existsSync(folder.at('fast'))) expect(model('fast')).toBe(fresh['model.onnx'])
      rmSync(folder.at('fast'), { recursive: true, force: true })
      await run(prune('old', '0.7', '--force'), moment)
      const kept = existsSync(folder.at('old')) ? 'old' : '.old.replaced'
      expect(Object.keys(contents(kept))).toEqual(Object.keys(old))
      expect([old['model.onnx'], fresh['model.onnx']]).toContain(model(kept))
      expect((await run(prune('old', '0.5', '--force'))).code).toBe(0)
      expect(contents('model')).toEqual(original)
      expect([model('old'), leftovers().filter((name) => !name.includes('fast'))]).toEqual([old['model.onnx'], []])
    }
    await run(prune('fast', '0.7'))
    expect(leftovers()).toEqual([])
  })

  test('answers every row once, with the same bytes, after it is resumed', { timeout }, async () => {
    const label = (out: string, ...more: string[]): string[] =>
      argv`run ${modelPath('mail')} --data rows.jsonl -o ${out} --threads 1 --shard-rows 20 ${more}`
    const { milliseconds } = await run(label('whole.jsonl'))
    const whole = readFileSync(folder.at('whole.jsonl'))
    for (const [i, moment] of moments(milliseconds).entries()) {
      const out = `${i}.jsonl`
      await run(label(out), moment)
      if (!existsSync(folder.at(out))) expect((await run(label(out, '--resume'))).code).toBe(0)
      expect(readFileSync(folder.at(out)).equals(whole)).toBe(true)
      expect([existsSync(folder.at(`${out}.shards`)), leftovers()]).toEqual([false, []])
    }
  })

  test('resumes a search, and has whole files under their names only', { timeout, tags: 'exhaustive' }, async () => {
    const mails = Array.from({ length: 80 }, (_, i) => `mail ${i} ${'win a prize '.repeat(1 + (i % 6))}`)
    writeFileSync(folder.at('mails.txt'), `${mails.join('\n')}\n`)
    // One candidate and one shape: the steps and files of a search are the same, and it ends in seconds.
    const search = (place: string, ...more: string[]): string[] => [
      ...['optimize', modelPath('mail'), '--data', 'mails.txt', '--unlabeled', '--methods', 'stride', '--float32'],
      ...['--all-layers', '--shapes', '1x16', '--minutes', '0.02', '--max-loss', '50'],
      ...['-o', `${place}/o.onnx`, '--plan-out', `${place}/p.json`, ...more],
    ]
    const killed = async (place: string, moment: number): Promise<void> => {
      const at = (name: string): string => folder.at(place, name)
      mkdirSync(folder.at(place))
      await run(search(place), moment)
      for (const path of ['p.json', 'p.json.measured'].map(at))
        if (existsSync(path)) JSON.parse(readFileSync(path, 'utf8'))
      if (existsSync(at('o.onnx'))) expect((await run(['inspect', at('o.onnx')])).code).toBe(0)
      const again = search(place, ...(existsSync(at('p.json.measured')) ? ['--resume'] : []))
      expect([0, 3]).toContain((await run(again)).code)
      expect(readdirSync(folder.at(place)).toSorted()).toEqual(['o.onnx', 'p.json'])
    }
    mkdirSync(folder.at('whole'))
    const { code, milliseconds } = await run(search('whole'))
    expect([0, 3]).toContain(code)
    const left = [...moments(milliseconds).entries()]
    const next = async (): Promise<void> => {
      for (let one = left.pop(); one !== undefined; one = left.pop()) await killed(`search-${one[0]}`, one[1])
    }
    await Promise.all([next(), next()])
  })

  test('resumes a training to the same bytes', { timeout, tags: 'exhaustive' }, async () => {
    const args = (out: string, ...more: string[]): string[] =>
      learn(out, '--set', 'epochs=2', '--set', 'hardEpochs=2', ...more)
    const { milliseconds } = await run(args('trained.onnx'))
    const whole = readFileSync(folder.at('trained.onnx'))
    for (const [i, moment] of moments(milliseconds).entries()) {
      const out = `${i}.onnx`
      await run(args(out), moment)
      if (!existsSync(folder.at(out))) {
        const resumes = folder.files().some((name) => name.startsWith(out) && name.endsWith('.checkpoint'))
        expect((await run(args(out, ...(resumes ? ['--resume'] : [])))).code).toBe(0)
      }
      expect(readFileSync(folder.at(out)).equals(whole)).toBe(true)
      expect(leftovers()).toEqual([])
    }
  })
})
