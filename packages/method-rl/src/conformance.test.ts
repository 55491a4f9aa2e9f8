import { testMethod } from '@tp/core/testing'
import { run } from '../test/run.ts'
import { methods } from './index.ts'

for (const { create } of methods) testMethod(create(), { run })
