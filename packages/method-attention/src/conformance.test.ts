import { quasiRandom, random } from '@tp/core'
import { testMethod } from '@tp/core/testing'
import { run } from '../test/run.ts'
import { keyNorm, methods, receivedAttention, snapKv } from './index.ts'

for (const { name, create } of methods) testMethod(create(), { run, keeps: name === 'ats' ? 'at most' : 'as many' })
// The other baselines are tested in @tp/core; these two compute with integers, on a runtime as well.
testMethod(random(), { run })
testMethod(quasiRandom(), { run })
testMethod(receivedAttention({ queries: 4, diagonal: false }), { run })
testMethod(keyNorm({ keep: 'large' }))
testMethod(snapKv({ window: 2, reach: 1 }))
