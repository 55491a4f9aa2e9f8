import { baselines } from '@tp/core'
import { testMethod } from '@tp/core/testing'
import { run } from '../test/run.ts'
import { methods } from './index.ts'

for (const { name, create } of [...baselines, ...methods]) {
  testMethod(create(), { run, keeps: name === 'none' ? 'all' : name === 'ats' ? 'at most' : 'as many' })
}
