import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plan } from '@tp/compiler'
import { TpError } from '@tp/core'
import { projectPath, reportsPath } from '../files.ts'
import type { OutsideCase } from './cases.ts'
import type { DataPath } from './data.ts'
import { settingText } from './setting-text.ts'
import { packs } from './settings.ts'
import { shuffled } from './shuffled.ts'

/** A file that a command has made. */
interface MadeFile {
  readonly path: string
  /** As somebody would type it, with the names of files alone. */
  readonly command: string
}

/** A file that `tp optimize` has made. */
export interface Optimized extends MadeFile {
  readonly setting: string
  readonly plan: Plan
  /** Of the processor, that the search took. */
  readonly seconds: number
}

/** The part of its JSON that is read. */
interface OptimizeDocument {
  readonly plan: Plan
  readonly search: { readonly processorSeconds: number }
}

/** Minutes of a search. */
const MINUTES = 6

/**
 * Runs the command line as a user does, once; what it wrote is kept in `reports/outside`.
 * @param isRepeated run it once more
 * @throws TpError TP_RUN with what it said
 */
export async function optimizedFile(one: OutsideCase, choosing: DataPath, isRepeated: boolean): Promise<Optimized> {
  const path = reportsPath(`outside/${one.name}/optimized.onnx`)
  const document = reportsPath(`outside/${one.name}/optimized.json`)
  const { path: data } = choosing
  const common = ['--max-loss', `${one.maxLoss}`, '--minutes', `${MINUTES}`]
  const shapes = one.batches.length > 2 ? ['--shapes', `${Math.max(...one.batches)}`] : []
  const own = [...(packs(one) ? ['--for', 'native'] : []), ...shapes]
  const command = `tp optimize model.onnx --data choosing ${[...common, ...own].join(' ')}`
  if (isRepeated || !isKept(one)) {
    const args = ['optimize', one.model(), '--data', data, ...common, ...own, '-o', path, '--json']
    await writeFile(document, await tp(...args))
  }
  const { plan, search } = JSON.parse(await readFile(document, 'utf8')) as OptimizeDocument
  return { path, setting: settingText(plan), plan, seconds: search.processorSeconds, command }
}

/** Whether a choice was made before. A plan without a method is its document alone, since another row has the same file. */
export function isKept({ name }: OutsideCase): boolean {
  const document = reportsPath(`outside/${name}/optimized.json`)
  if (!existsSync(document)) return false
  const { plan } = JSON.parse(readFileSync(document, 'utf8')) as OptimizeDocument
  return plan.method === 'none' || existsSync(reportsPath(`outside/${name}/optimized.onnx`))
}

/** The most examples that a method learns from, and those that choose between steps of it. */
const [LEARNING, SELECTION] = [900, 150]

/**
 * The values of `sdtp`, learned once without labels by the command line; they serve any amount.
 * @param isRepeated learn them once more
 * @throws TpError TP_RUN with what it said
 */
export async function learnedFile(one: OutsideCase, choosing: DataPath, isRepeated: boolean): Promise<MadeFile> {
  const path = valuesOf(one)
  const [learning, others] = [partOf(one, 'learning'), partOf(one, 'selection')]
  const layers = ['--layers', (one.learned?.layers ?? []).join(',')]
  const how = ['--method', 'sdtp', '--keep', '0.7', ...layers, '--train', 'method', '--set', 'hardEpochs=0']
  const command = `tp train model.onnx -o learned.onnx ${how.join(' ')} --data learning --selection others --weights-out sdtp.safetensors`
  if (isRepeated || !existsSync(path)) {
    const [header = '', ...rows] = await linesOf(choosing.path)
    const write = (to: string, some: readonly string[]): Promise<void> =>
      writeFile(to, `${[header, ...some].join('\n')}\n`)
    await write(learning, rows.slice(0, -SELECTION).slice(0, LEARNING))
    await write(others, rows.slice(-SELECTION))
    const files = ['--data', learning, '--selection', others, '--weights-out', path]
    const args = ['train', one.model(), '-o', `${path}.onnx`, ...how, ...files]
    await tp(...args)
  }
  return { path, command }
}

/** The lines of a table, or a table of the texts in a folder in BEIR's layout, queries and documents. */
async function linesOf(path: string): Promise<string[]> {
  if (path.endsWith('.tsv')) return (await readFile(path, 'utf8')).trimEnd().split('\n')
  const files = await Promise.all(['queries', 'corpus'].map((name) => readFile(join(path, `${name}.jsonl`), 'utf8')))
  const texts = files
    .flatMap((lines) => lines.trimEnd().split('\n'))
    .map((line) => (JSON.parse(line) as { readonly text: string }).text.replaceAll(/\s+/g, ' '))
  return ['text', ...shuffled(texts, SEED)]
}

const SEED = 17

/** Whether that was learned before. */
export function hasLearned(one: OutsideCase): boolean {
  return existsSync(valuesOf(one))
}

function partOf({ name }: OutsideCase, part: string): string {
  return reportsPath(`outside/${name}/${part}.tsv`)
}

function valuesOf({ name }: OutsideCase): string {
  return reportsPath(`outside/${name}/sdtp.safetensors`)
}

/** Runs the command line of this project. @returns what it printed @throws TpError TP_RUN with what it said */
function tp(...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [projectPath('packages/cli/bin/tp.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [out, errors]: [string[], string[]] = [[], []]
    child.stdout.setEncoding('utf8').on('data', (text: string) => out.push(text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text))
    child.on('error', reject).on('close', (code) => {
      if (code === 0) return resolve(out.join(''))
      const said = errors.join('').trimEnd().split('\n').slice(-3).join('\n')
      reject(new TpError('TP_RUN', 'benchmark', `tp ${args[0]} ended with ${code}: ${said}`))
    })
  })
}
