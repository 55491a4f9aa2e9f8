import { basename, dirname } from 'node:path'
import { platform } from 'node:process'
import { publicPackages, withNeeds } from '../check/workspace.mjs'

/**
 * The commands that use packed packages before they are published.
 * @param {readonly string[]} tarballs their paths, in one folder
 * @returns {{ code: string[], command: string[], all: string[], plugin: string[], skipped: string }} `code`, `command`, `all`: in a project,
 *   to prune and run models in code, for the command `tp`, and for everything; `plugin`: to begin one; `skipped`: what they begin with where
 *   the runtime would fetch libraries for CUDA
 */
export function localLines(tarballs) {
  const packed = (/** @type {string} */ name) => {
    const file = name.replace('@', '').replace('/', '-')
    return tarballs.find((path) => new RegExp(`^${file}-\\d`).test(basename(path))) ?? name
  }
  const install = (/** @type {readonly string[]} */ names) => withOurNeeds(names).map(packed).join(' ')
  const skipped = platform === 'linux' ? 'ONNXRUNTIME_NODE_INSTALL=skip' : ''
  const npm = `${skipped} npm`.trim()
  return {
    skipped,
    code: [`${npm} install ${install(['@tp/compiler', '@tp/method-attention', '@tp/runtime-node'])} onnxruntime-node`],
    command: [`${npm} install ${install(['@tp/cli'])} onnxruntime-node`],
    all: [`${npm} install ${dirname(tarballs[0] ?? '.')}/tp-*.tgz`],
    plugin: [
      // npx looks on npm for a peer that it is not given.
      `npx ${withOurNeeds(['create-tp-plugin'])
        .map((name) => `--package ${packed(name)}`)
        .join(' ')} create-tp-plugin tp-mine`,
      'cd tp-mine',
      `${npm} install --save-dev ${install(['@tp/cli'])}`,
      'npm run build',
      'npm test',
    ],
  }
}

/** The packages and those of ours that npm has to find for them. @param {readonly string[]} names */
function withOurNeeds(names) {
  const ours = new Set(publicPackages().map(({ manifest }) => manifest.name))
  return [...withNeeds(names)].filter((name) => ours.has(name)).sort()
}
