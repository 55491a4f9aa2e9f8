import { expect, test } from 'vitest'
import { problemsOfPacked, problemsOfPlan } from './problems.mjs'

/** @param {string} type @param {Record<string, string>} versions new ones by name */
function plan(type, versions) {
  return {
    changesets: [{ id: 'brave-tokens', releases: [{ name: '@tp/core', type }] }],
    releases: Object.entries(versions).map(([name, newVersion]) => ({ name, oldVersion: '0.1.0', newVersion })),
  }
}

test('requires versions to rise together', () => {
  expect(problemsOfPlan(plan('patch', { '@tp/core': '0.1.1', '@tp/onnx': '0.1.1' }))).toEqual([])
  expect(problemsOfPlan(plan('patch', { '@tp/core': '0.1.1', '@tp/onnx': '0.1.0' }))).toEqual([
    expect.stringContaining('0.1.1, 0.1.0'),
  ])
  expect(problemsOfPlan({ changesets: [], releases: [] })).toEqual([])
})

test('refuses 1.0.0 by accident, and accepts it on request', () => {
  expect(problemsOfPlan(plan('minor', { '@tp/core': '1.0.0' }))).toEqual([expect.stringContaining('brave-tokens')])
  expect(problemsOfPlan(plan('major', { '@tp/core': '1.0.0' }))).toEqual([])
})

const released = new Set(['@tp/core', '@tp/onnx'])
const manifest = {
  name: '@tp/compiler',
  version: '0.1.1',
  dependencies: { '@tp/onnx': '^0.1.1', 'csv-parse': '7.0.3' },
  peerDependencies: { '@tp/core': '^0.1.1' },
  devDependencies: { '@tp/core': '0.1.1' },
}

test('accepts a packed manifest with versions that will exist', () => {
  expect(problemsOfPacked(manifest, '0.1.1', released)).toEqual([])
})

test.each([
  ['a version other than that of the release', { version: '0.1.0' }, 'version is 0.1.0'],
  ['a range of the workspace', { devDependencies: { '@tp/core': 'workspace:*' } }, 'workspace:*'],
  ['a dependency on one version alone', { dependencies: { '@tp/onnx': '0.1.1' } }, '@tp/onnx is 0.1.1'],
  ['a peer of an earlier release', { peerDependencies: { '@tp/core': '^0.1.0' } }, '@tp/core is ^0.1.0'],
])('finds %s', (_, wrong, problem) => {
  expect(problemsOfPacked({ ...manifest, ...wrong }, '0.1.1', released)).toEqual([expect.stringContaining(problem)])
})
