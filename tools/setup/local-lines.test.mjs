import { expect, test } from 'vitest'
import { callsOf } from '../check/printed/shell.mjs'
import { publicPackages } from '../check/workspace.mjs'
import { localLines } from './local-lines.mjs'

const tarballs = publicPackages().map(({ manifest: { name, version } }) => {
  return `/packed/${name.replace('@', '').replace('/', '-')}-${version}.tgz`
})

test('npx is given every package of ours that the one it runs needs', () => {
  const [[first = []] = []] = callsOf([localLines(tarballs).plugin.join('\n')])
  const installed = first.filter((word) => word.endsWith('.tgz'))
  const named = publicPackages().filter((_, i) => installed.includes(/** @type {string} */ (tarballs[i])))
  const names = named.map(({ manifest }) => manifest.name)
  expect(names).toContain('create-tp-plugin')
  const needed = named.flatMap(({ manifest }) =>
    Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
  )
  expect(needed.filter((name) => name.startsWith('@tp/') && !names.includes(name))).toEqual([])
})
