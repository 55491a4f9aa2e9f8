import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TpError } from '@tp/core'
import { installModels, modelCache } from 'real-models'
import { projectPath } from '../files.ts'

/** Fetches models and data into their cache, as `npm run models` does; those that are there are left as they are. @throws TpError TP_MODELS */
export async function installNeeds(needs: readonly string[]): Promise<void> {
  if (needs.length === 0 || (await installModels(needs, { stdout: process.stderr, stderr: process.stderr })) === 0)
    return
  throw new TpError('TP_MODELS', 'benchmark', `not all of ${needs.join(', ')} could be installed; the reason is above`)
}

const requirements = projectPath('tools/rivals/requirements.txt')

/** A Python for the rivals, next to the models. @returns the path of its program @throws TpError TP_PYTHON */
export function installRivals(): string {
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
