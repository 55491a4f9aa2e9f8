import { runCommand } from '../command.mjs'

/**
 * The files that were changed, added or removed since a branch began (on the branch itself: since the last push).
 * @param {string} folder root of the repository
 * @param {string} branch the target branch, as `origin/main`
 * @returns {Promise<string[] | undefined>} relative to the root; undefined without git, without that branch, or in a
 *   clone too shallow to find where the two part
 */
export async function changedFiles(folder, branch) {
  const git = (/** @type {string[]} */ ...args) => runCommand(['git', ...args], { cwd: folder })
  const base = await git('merge-base', 'HEAD', branch)
  if (!base.ok) return undefined
  const lists = await Promise.all([
    git('diff', '--name-only', '--no-renames', base.output),
    git('ls-files', '--others', '--exclude-standard'),
  ])
  for (const { ok, output } of lists) if (!ok) throw new Error(output)
  return lists.flatMap(({ output }) => output.split('\n')).filter((file) => file !== '')
}
