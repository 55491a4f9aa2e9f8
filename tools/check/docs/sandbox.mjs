import { chmodSync, existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { runCommand } from '../command.mjs'
import { publicPackages, readJson, root, withNeeds } from '../workspace.mjs'

/**
 * Installs packed packages into a folder, as users have them: only files of the tarballs. Dependencies are linked from the
 * workspace, so that nothing is fetched.
 * @param {string} folder
 * @param {readonly import('../tarballs.mjs').Tarball[]} tarballs
 * @param {readonly string[]} [names] names after `npm install`: only these are installed, with their dependencies. If
 *   missing, all packages are, with optional peers
 */
export async function installTarballs(folder, tarballs, names) {
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  const needed = names && withNeeds(names)
  for (const { name, path } of tarballs) {
    if (needed && !needed.has(name)) continue
    const target = join(modules, name)
    mkdirSync(target, { recursive: true })
    const { ok, output } = await runCommand(['tar', 'xzf', path, '-C', target, '--strip-components=1'], { cwd: root })
    if (!ok) throw new Error(`${path} could not be unpacked: ${output}`)
  }
  for (const { folder: source, manifest } of publicPackages()) {
    if (needed && !needed.has(manifest.name)) continue
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      if (!needed || needed.has(name)) link(join(root, source, 'node_modules', name), join(modules, name))
    }
    // Built by the package's install script otherwise.
    if (existsSync(join(root, source, 'build')))
      link(join(root, source, 'build'), join(modules, manifest.name, 'build'))
    const { bin = {} } = readJson(join(source, 'package.json'))
    for (const [command, path] of Object.entries(bin)) {
      const script = join(modules, manifest.name, path)
      if (existsSync(script)) chmodSync(script, 0o755)
      link(script, join(modules, '.bin', command))
    }
  }
}

/**
 * Links what `npm install` in a plugin would add to the packages: compiler, test runner and bundler, as in the templates of
 * create-tp-plugin.
 * @param {string} folder a folder made by `installTarballs`
 */
export function linkPluginTools(folder) {
  const modules = join(folder, 'node_modules')
  for (const template of ['tools/example-plugin', 'tools/example-runtime']) {
    const { peerDependencies, devDependencies } = readJson(join(template, 'package.json'))
    for (const name of Object.keys({ ...peerDependencies, ...devDependencies })) {
      if (name.startsWith('@tp/')) continue
      link(join(root, template, 'node_modules', name), join(modules, name))
      const { bin = {} } = readJson(join(template, 'node_modules', name, 'package.json'))
      const commands = typeof bin === 'string' ? { [basename(name)]: bin } : bin
      for (const [command, path] of Object.entries(commands))
        link(join(modules, name, path), join(modules, '.bin', command))
    }
  }
}

/**
 * Makes a folder to follow one document in: the files of the repository can be read, and commands write into the folder
 * only.
 * @param {string} folder
 * @param {string} installed a folder made by `installTarballs`
 */
export function openSandbox(folder, installed) {
  mkdirSync(folder, { recursive: true })
  symlinkSync(join(installed, 'node_modules'), join(folder, 'node_modules'))
  // Tools search parent folders for these, and would take a package made by a document for one of the workspace.
  const left = ['reports', 'package.json', 'pnpm-workspace.yaml', 'vitest.config.ts']
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  for (const name of readdirSync(root)) {
    // A reader of the README has its output there.
    if (!name.startsWith('.') && !name.endsWith('.onnx') && !left.includes(name))
      link(join(root, name), join(folder, name))
  }
}

/** @param {string} source @param {string} target */
function link(source, target) {
  if (!existsSync(source) || existsSync(target)) return
  mkdirSync(dirname(target), { recursive: true })
  symlinkSync(realpathSync(source), target)
}
