import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { packAll } from '../tarballs.mjs'
import { root } from '../workspace.mjs'

/**
 * Raises the versions in a copy of the workspace, and packs its packages: all of a release but the publishing. The work
 * tree stays as it is. Links between packages are relative, so those of the copy see one another; what is installed is
 * the workspace's.
 * @param {string} scratch a folder for temporary files
 * @returns {Promise<{ folder: string, tarballs: import('../tarballs.mjs').Tarball[] }>} `folder`: the copy
 */
export async function rehearse(scratch) {
  const folder = join(scratch, 'release')
  const leftOut = ['.git', 'node_modules', 'reports']
  cpSync(root, folder, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !leftOut.includes(relative(root, path)) && basename(path) !== '.turbo',
  })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const { raiseVersions } = await importFrom(folder, 'tools/release/raise-versions.mjs')
  await raiseVersions()
  const packed = join(scratch, 'released')
  mkdirSync(packed)
  return { folder, tarballs: await packAll(packed, folder) }
}

/** A module of the copy, for which the copy is the workspace. @param {string} folder @param {string} path */
export function importFrom(folder, path) {
  return import(pathToFileURL(join(folder, path)).href)
}
