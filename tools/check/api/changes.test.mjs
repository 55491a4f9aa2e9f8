import { expect, test } from 'vitest'
import { changesOf, judgeChanges, recordOf } from './changes.mjs'

const core = { file: 'core.api.md', text: '## API Report File for "@tp/core"\nexport const a: number;\n' }
const testing = { file: 'core-testing.api.md', text: '## API Report File for "@tp/core"\nexport const b: number;\n' }
const onnx = { file: 'onnx.api.md', text: '## API Report File for "@tp/onnx"\nexport const c: number;\n' }
const changed = { ...testing, text: testing.text.replace('number', 'string') }

test('counts a changed, new or removed entry point as a change of its package alone', () => {
  const before = recordOf([core, testing, onnx])
  expect(changesOf(before, recordOf([onnx, core, testing]))).toEqual(new Map())
  expect(changesOf(before, recordOf([core, changed, onnx]))).toEqual(new Map([['@tp/core', ['core-testing.api.md']]]))
  expect(changesOf(before, recordOf([core, onnx]))).toEqual(new Map([['@tp/core', ['core-testing.api.md']]]))
  expect(changesOf(recordOf([core]), recordOf([core, testing]))).toEqual(
    new Map([['@tp/core', ['core-testing.api.md']]]),
  )
  expect(changesOf(before, recordOf([core, testing]))).toEqual(new Map([['@tp/onnx', ['onnx.api.md']]]))
})

test('finds a change that no changeset mentions, and names it', () => {
  const changes = changesOf(recordOf([core, testing, onnx]), recordOf([core, changed]))
  const outcomes = judgeChanges('version 0.1.0', changes, [{ releases: [{ name: '@tp/onnx' }] }])
  expect(outcomes).toEqual([
    expect.objectContaining({ state: 'failed', note: expect.stringContaining('core-testing.api.md') }),
    expect.objectContaining({ state: 'passed', name: expect.stringContaining('@tp/onnx') }),
  ])
  expect(judgeChanges('version 0.1.0', changes, []).map(({ state }) => state)).toEqual(['failed', 'failed'])
})

test('refuses a report that does not name its package', () => {
  expect(() => recordOf([{ file: 'core.api.md', text: 'export const a: number;' }])).toThrow('core.api.md')
})
