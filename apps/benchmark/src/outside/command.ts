import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isTpError, TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { installModels, modelCache } from 'real-models'
import { projectPath } from '../files.ts'
import { outsideCases } from './cases.ts'
import { kindNames } from './evidence.ts'
import { measureCase } from './measure-case.ts'
import { writePlots } from './plots.ts'

export const HELP: string = `Measures published models on suites that nothing was chosen by, next to others' ways to make them faster.

  npm run benchmark -- outside [options]

  --only NAMES       of these: ${outsideCases.map(({ name }) => name).join(', ')}
  --python PATH      Python with the packages of tools/rivals/requirements.txt: rows of onnxruntime's own quantization, of OpenVINO, and of packages that embed texts
  --install          fetch first what is missing, a Python for the rivals included, into the cache of npm run models; write the pages last
  --kinds LIST       only rows of these kinds: ${kindNames.join(', ')}
  --again            rows that are there once more
  --times            only the times of rows that are there, once more, of the files in reports/outside; a file that is missing is made again by
                     the plan of its row, or named if its values were learned
  --busy             other programs run: no times on two threads, which only the clock can measure
  --plots            only the plots, of what is there

Models and suites are those of npm run models, and of the folder shared. Each row is written to docs/results/evidence.jsonl when it is measured, so that an
interrupted run continues where it was; npm run generate then writes the pages that cite it.
`

/** @throws TpError TP_OPTION @returns the exit code */
export async function measureOutside(runtime: Runtime, args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: text,
      kinds: text,
      python: text,
      again: flag,
      times: flag,
      busy: flag,
      plots: flag,
      install: flag,
    },
  })
  const { again, times, busy } = values
  const only = values.only?.split(',')
  const cases = outsideCases.filter(({ name }) => only?.includes(name) ?? true)
  if (cases.length < (only?.length ?? 1)) {
    throw new TpError('TP_OPTION', 'benchmark', `--only is ${values.only}; see --help for the names`)
  }
  const kinds = values.kinds?.split(',').map((name) => name.trim())
  const wrong = kinds?.find((name) => !kindNames.some((own) => own === name))
  if (wrong !== undefined) throw new TpError('TP_OPTION', 'benchmark', `--kinds has ${wrong}; see --help for the names`)
  const python = values.python ?? (values.install ? installRivals() : undefined)
  let code = 0
  for (const one of values.plots ? [] : cases) {
    const onProgress = (done: string): void => void process.stderr.write(`${one.name}: ${done} …\n`)
    try {
      if (values.install) await installNeeds(one.needs)
      await measureCase(one, { runtime, kinds, python, again, times, busy, onProgress })
    } catch (error) {
      // The other models do not need this one; the error says what is missing.
      if (!isTpError(error)) throw error
      process.stderr.write(`${one.name}: ${error.message}\n`)
      code = 1
    }
  }
  await writePlots()
  if (values.install)
    execFileSync(process.execPath, [projectPath('tools/generate/main.mjs')], { stdio: ['ignore', 2, 2] })
  return code
}

/** Fetches models and data into their cache, as `npm run models` does; those that are there are left as they are. @throws TpError TP_MODELS */
async function installNeeds(needs: readonly string[]): Promise<void> {
  if (needs.length === 0 || (await installModels(needs, { stdout: process.stderr, stderr: process.stderr })) === 0)
    return
  throw new TpError('TP_MODELS', 'benchmark', `not all of ${needs.join(', ')} could be installed; the reason is above`)
}

const requirements = projectPath('tools/rivals/requirements.txt')

/** A Python for the rivals, next to the models. @returns the path of its program @throws TpError TP_PYTHON */
function installRivals(): string {
  const folder = join(modelCache(), 'rivals')
  const program = join(folder, 'bin', 'python')
  const installed = join(folder, 'installed.txt')
  const lines = readFileSync(requirements, 'utf8')
  if (existsSync(installed) && readFileSync(installed, 'utf8') === lines) return program
  const base = process.env.TP_PYTHON ?? 'python3'
  const pip = ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]
  try {
    if (!existsSync(program)) execFileSync(base, ['-m', 'venv', folder], { stdio: ['ignore', 2, 2] })
    execFileSync(program, pip, { stdio: ['ignore', 2, 2] })
  } catch (error) {
    const advice = 'name one that has the packages of tools/rivals/requirements.txt by --python'
    throw new TpError(
      'TP_PYTHON',
      'benchmark',
      `no Python for the rivals could be made: ${(error as Error).message}; ${advice}`,
    )
  }
  writeFileSync(installed, lines)
  return program
}
