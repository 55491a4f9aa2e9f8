import { baselines } from '@tp/core'
import { testMethod } from '@tp/core/testing'
import { run } from '../test/run.ts'
import { balanced, keyNorm, methods, receivedAttention, snapKv } from './index.ts'

for (const { name, create } of [...baselines, ...methods]) {
  testMethod(create(), { run, keeps: name === 'none' ? 'all' : name === 'ats' ? 'at most' : 'as many' })
}
testMethod(receivedAttention({ diagonal: false }), { run })
testMethod(receivedAttention({ queries: 4 }), { run })
testMethod(receivedAttention({ queries: 32, diagonal: false }), { run })
testMethod(balanced({ queries: 4 }), { run })
testMethod(keyNorm({ keep: 'large' }), { run })
testMethod(snapKv({ window: 2, reach: 1 }), { run })
