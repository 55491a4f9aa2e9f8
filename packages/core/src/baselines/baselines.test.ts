import { testMethod } from '../testing/index.ts'
import { none, random, stride, truncate } from './index.ts'

testMethod(none(), { keeps: 'all' })
testMethod(random())
testMethod(random({ seed: 3 }))
testMethod(stride())
testMethod(truncate())
