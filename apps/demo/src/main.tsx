import './styles/base.css'
import './styles/layout.css'
import './styles/tokens.css'
import './styles/figures.css'
import './styles/listening.css'
import { render } from 'preact'
import { Page } from './page/page.tsx'

render(<Page />, document.getElementById('page') as HTMLElement)
