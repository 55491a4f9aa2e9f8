import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TpError } from '@tp/core'
import { run } from '../run.ts'

/** The oldest for which the packages of requirements.txt exist, and what it has to be able to do. */
const CHECK = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
const requirements = fileURLToPath(new URL('../../python/requirements.txt', import.meta.url))

/** Python with pip, in an environment of its own. @returns the path of its program @throws TpError TP_PYTHON, TP_MODELS */
export async function openPython(cache: string, signal: AbortSignal): Promise<string> {
  const folder = join(cache, 'python')
  const program = join(folder, ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']))
  if (existsSync(program) && works(program)) return program
  const python = findPython()
  await rm(folder, { recursive: true, force: true })
  await run('making an environment for Python', python, ['-m', 'venv', folder], signal)
  return program
}

/** Installs what exports weights, unless that has been done. @throws TpError TP_MODELS */
export async function installExporter(cache: string, python: string, signal: AbortSignal): Promise<void> {
  const installed = join(cache, 'python', 'installed.txt')
  const lines = await readFile(requirements, 'utf8')
  if ((await readFile(installed, 'utf8').catch(() => '')) === lines) return
  await run('installing what exports weights', python, [...PIP, 'install', '--requirement', requirements], signal)
  await copyFile(requirements, installed)
}

export const PIP: readonly string[] = ['-m', 'pip', '--disable-pip-version-check']

function findPython(): string {
  const named = process.env.TP_PYTHON
  const candidates = named === undefined ? ['python3', 'python'] : [named]
  const found = candidates.find(works)
  if (found !== undefined) return found
  throw new TpError(
    'TP_PYTHON',
    'models',
    `no Python 3.11 or newer with venv and pip was found (tried ${candidates.join(', ')}). Only this command needs one, ` +
      'to fetch packages and to export weights; install it (on Debian python3-venv, too), or name it with TP_PYTHON',
  )
}

function works(python: string): boolean {
  return spawnSync(python, ['-c', CHECK], { stdio: 'ignore' }).status === 0
}
