import { testMethod } from '@tp/core/testing'
import { run } from 'method-tests'
import { methods } from './index.ts'

for (const { create } of methods) testMethod(create(), { run })
