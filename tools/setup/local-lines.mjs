import { basename, dirname } from 'node:path'

/**
 * The commands that use packed packages before they are published.
 * @param {readonly string[]} tarballs their paths, in one folder
 * @returns {{ install: string[], plugin: string[] }} `install`: in a project; `plugin`: to begin one
 */
export function localLines(tarballs) {
  const folder = dirname(tarballs[0] ?? '.')
  const packed = (/** @type {string} */ name) =>
    tarballs.find((path) => new RegExp(`^${name}-\\d`).test(basename(path)))
  const install = `${folder}/tp-*.tgz`
  return {
    install: [`npm install ${install}`],
    // npx looks on npm for a peer that it is not given.
    plugin: [
      `npx --package ${packed('tp-core')} --package ${packed('create-tp-plugin')} create-tp-plugin tp-mine`,
      'cd tp-mine',
      `npm install --save-dev ${install}`,
      'npm run build',
      'npm test',
    ],
  }
}
