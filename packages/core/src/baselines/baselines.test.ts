import { testMethod } from '../testing/index.ts'
import { none } from './none.ts'
import { random } from './random.ts'
import { stride } from './stride.ts'
import { truncate } from './truncate.ts'

testMethod(none(), { keeps: 'all' })
testMethod(random())
testMethod(random({ seed: 3 }))
testMethod(stride())
testMethod(truncate())
