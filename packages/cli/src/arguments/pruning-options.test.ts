import { planFields } from '@tp/compiler'
import { expect, test } from 'vitest'
import { pruneCommand } from '../commands/prune.ts'
import { optionName } from './pruning-options.ts'
import { readFields, readWritten } from './read-fields.ts'

const { options } = pruneCommand

test('has an option for every field of a plan that a command line writes', () => {
  const names = Object.entries(planFields).flatMap(([name, field]) => (field.written ? [optionName(name, field)] : []))
  expect(names.filter((name) => options[name] === undefined)).toEqual([])
  expect(names).toContain('protect-segment')
})

test('reads fields as the schema takes them', () => {
  const args = {
    ...{ method: 'tome', layers: ['1,3'], keep: '0.7,0.5', param: ['a=1'], protect: 'none', 'protect-segment': '0' },
    ...{ separator: '102', restore: 'all', outputs: 'logits, states', 'leave-out': '4,2', quantize: true },
  }
  expect(readWritten(args)).toEqual({
    ...{ method: 'tome', layers: [1, 3], keep: [0.7, 0.5], params: { a: '1' }, protect: [], protectSegment: 0 },
    ...{ separator: 102, restore: 'all', outputs: ['logits', 'states'], leaveOut: [4, 2], quantize: {} },
  })
  expect(readWritten({ param: ['r=8', 'a=1'] })).toEqual({ params: { a: '1' }, remove: 8 })
  expect(readWritten({ param: ['r=8'], keep: '0.5' })).toEqual({ params: { r: '8' }, keep: 0.5 })
  expect(readFields({ 'per-tensor': true }, { perChannel: planFields.quantize.fields?.perChannel as never })).toEqual({
    perChannel: false,
  })
})
