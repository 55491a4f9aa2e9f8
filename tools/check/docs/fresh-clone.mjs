import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { basename, relative } from 'node:path'
import { root } from '../workspace.mjs'

/** Names and paths of `.gitignore`, and the history: a program in the copy must not find the repository of the original. */
const leftOut = {
  anywhere: new Set(['.git', 'node_modules', 'dist', '.turbo']),
  paths: new Set([
    'reports',
    'packages/operators/build',
    'packages/operators/prebuilds',
    'packages/operators/release',
    'packages/runtime-native/build',
    'packages/runtime-native/prebuilds',
    'apps/site/pages',
  ]),
}

const reader = ['-c', 'user.name=reader', '-c', 'user.email=reader@localhost']

/**
 * Copies the workspace as a reader gets it, a repository where nothing is installed, built or measured. Changes that are not committed are
 * in it, too. Without a repository the build would go through every installed file.
 * @param {string} folder that does not exist yet
 */
export function freshClone(folder) {
  cpSync(root, folder, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) =>
      !leftOut.anywhere.has(basename(path)) &&
      !leftOut.paths.has(relative(root, path).replaceAll('\\', '/')) &&
      !/\.tsbuildinfo$|^[^/\\]+\.onnx$/.test(relative(root, path)),
  })
  const commit = [...reader, 'commit', '--quiet', '--no-verify', '--no-gpg-sign', '--message', 'As cloned']
  for (const args of [['init', '--quiet'], ['add', '--all'], commit]) {
    const { status, stderr } = spawnSync('git', args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`)
  }
}
