import './styles/base.css'
import './styles/layout.css'
import './styles/race.css'
import './styles/controls.css'
import './styles/tokens.css'
import './styles/figures.css'
import './styles/listening.css'
import { render } from 'preact'
import { runtimeWasm } from './loading/runtime-wasm.ts'
import { tabInAddress } from './page/address.ts'
import { Page } from './page/page.tsx'
import { mailFiles } from './workbench/mail-files.ts'

render(<Page />, document.getElementById('page') as HTMLElement)

// Every tab needs it, and it is the largest file: it loads while the model does, and both while the code does that uses them.
// Failures are reported there.
runtimeWasm().catch(() => {})
if (['', 'mail'].includes(tabInAddress())) mailFiles().catch(() => {})
