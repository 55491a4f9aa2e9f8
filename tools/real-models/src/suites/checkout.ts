import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../run.ts'
import type { Suite } from './suite.ts'

/**
 * Writes a suite's files, as they are in its commit, to a new folder. They come from a clone in the folder that `TP_CLONES` names
 * (`owner+name`), where there is one; else git fetches the commit into the cache.
 * @param clones folder of the clones in the cache
 * @throws TpError TP_MODELS
 */
export async function checkOut(suite: Suite, clones: string, folder: string, signal: AbortSignal): Promise<void> {
  const { repository, commit, paths } = suite
  const clone = await openClone(repository, commit, clones, signal)
  await mkdir(folder, { recursive: true })
  const index = `${folder}.index`
  try {
    const args = ['-c', 'core.autocrlf=false', `--git-dir=${clone}`, `--work-tree=${folder}`]
    await run(`checking ${repository} out`, 'git', [...args, 'checkout', '--quiet', commit, '--', ...paths], signal, {
      GIT_INDEX_FILE: index,
    })
  } finally {
    await rm(index, { force: true })
  }
}

/** Path of a git directory that has the commit. */
async function openClone(repository: string, commit: string, clones: string, signal: AbortSignal): Promise<string> {
  const name = repository.replace('/', '+')
  const own = process.env.TP_CLONES
  if (own !== undefined && existsSync(join(own, name))) {
    return existsSync(join(own, name, '.git')) ? join(own, name, '.git') : join(own, name)
  }
  const clone = join(clones, name)
  const git = (step: string, ...args: string[]) => run(step, 'git', args, signal)
  await git('making a clone', 'init', '--quiet', '--bare', clone)
  const url = `https://github.com/${repository}.git`
  const step = `fetching ${repository} (a clone of it called ${name}, in a folder that TP_CLONES names, would do)`
  await git(step, `--git-dir=${clone}`, 'fetch', '--quiet', '--depth=1', url, commit)
  return clone
}
