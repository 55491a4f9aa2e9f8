import { readFileSync } from 'node:fs'
import { testPlugin } from '@tp/core/testing'
import * as everything from './index.ts'

testPlugin({
  exports: everything,
  name: 'method-gradient',
  readme: readFileSync(new URL('../README.md', import.meta.url), 'utf8'),
})
