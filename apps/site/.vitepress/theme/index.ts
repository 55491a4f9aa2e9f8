import { useData } from 'vitepress'
import DefaultTheme from 'vitepress/theme-without-fonts'
import { defineComponent, h, watchPostEffect } from 'vue'
import { RunningAnimation } from './running-animation.ts'
import './style.css'

/** The default layout, with the animation on the home page. */
const Layout = defineComponent(() => {
  const { frontmatter } = useData()
  watchPostEffect(() => {
    // Of all layouts only that of a home page has no <main>. In the file as it is served, the configuration sees to it.
    const content = document.getElementById('VPContent')
    if (frontmatter.value.layout === 'home') content?.setAttribute('role', 'main')
    else content?.removeAttribute('role')
  })
  return () => h(DefaultTheme.Layout, null, { 'home-hero-after': () => h(RunningAnimation) })
})

export default { extends: DefaultTheme, Layout }
