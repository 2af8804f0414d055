// check.mjs MODULES CHROMIUM PAGE.html FOLDER NAME: opens a file without a network on a phone, on screens light and dark, and on paper; leaves
// NAME-FORM.png and NAME.pdf in FOLDER, and prints what it found as JSON.
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, chromiumPath, page, folder, name] = process.argv.slice(2);
const { chromium } = createRequire(join(resolve(modules), 'package.json'))('playwright-core');
mkdirSync(folder, { recursive: true });
const url = pathToFileURL(resolve(page)).href;
const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });

async function open(width, height, colorScheme, complaints) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, offline: true, deviceScaleFactor: 1 });
  const tab = await context.newPage();
  tab.on('console', m => { if (m.type() === 'error' || m.type() === 'warning') complaints.push(m.text()); });
  tab.on('pageerror', e => complaints.push(String(e)));
  tab.on('requestfailed', r => complaints.push('failed: ' + r.url()));
  tab.on('request', r => { if (r.url() !== url && !r.url().startsWith('data:')) complaints.push('asked for ' + r.url()); });
  await tab.goto(url);
  return { context, tab };
}

// Runs in the page.
function inspect() {
  const overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  let widest = '', right = document.documentElement.clientWidth;
  let smallest = Infinity, smallestText = '', contrast = Infinity, contrastText = '';
  const numbers = c => (c.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => { const f = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const paper = e => { for (; e; e = e.parentElement) { const c = numbers(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
  for (const e of document.querySelectorAll('body *')) {
    if (!e.closest('.scroll') && e.getBoundingClientRect().right > right) { right = e.getBoundingClientRect().right; widest = e.outerHTML.slice(0, 120); }
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || ['SCRIPT', 'STYLE', 'title', 'desc'].includes(e.tagName)) continue;
    const style = getComputedStyle(e), svg = e.ownerSVGElement;
    const size = parseFloat(style.fontSize) * (svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1);
    if (size < smallest) { smallest = size; smallestText = e.textContent.slice(0, 60); }
    const [a, b] = [light(numbers(svg ? style.fill : style.color)), light(paper(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < contrast) { contrast = ratio; contrastText = e.textContent.slice(0, 60); }
  }
  const points = [...document.querySelectorAll('figure > svg.chart')].map(s => s.querySelectorAll('.pt').length);
  return { overflow, widest, smallest, smallestText, contrast, contrastText, points };
}

// In a page of its own, so that the checked one stays as it is.
async function colours(file) {
  const context = await browser.newContext({ offline: true });
  const tab = await context.newPage();
  const n = await tab.evaluate(async data => {
    const image = new Image();
    image.src = data;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = Math.min(image.width, 1400);
    canvas.height = Math.min(image.height, 4000);
    const g = canvas.getContext('2d');
    g.drawImage(image, 0, 0);
    const pixels = new Uint32Array(g.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return new Set(pixels).size;
  }, 'data:image/png;base64,' + readFileSync(file).toString('base64'));
  await context.close();
  return n;
}

const forms = [];
for (const [form, width, height, scheme] of [['phone', 390, 844, 'light'], ['phone-dark', 390, 844, 'dark'], ['screen', 1280, 800, 'light'], ['dark', 1280, 800, 'dark']]) {
  const complaints = [];
  const { context, tab } = await open(width, height, scheme, complaints);
  const found = await tab.evaluate(inspect);
  const file = join(folder, `${name}-${form}.png`);
  await tab.screenshot({ path: file, fullPage: true });
  const button = tab.locator('.legend button').first();
  let toggled = false;
  if (await button.count()) {
    const hidden = () => tab.locator('figure').first().locator('g.off').count();
    await button.click();
    const once = await hidden();
    await button.click();
    toggled = once === 1 && (await hidden()) === 0;
  }
  await context.close();
  forms.push({ form, complaints, ...found, toggled, colours: await colours(file) });
}

const complaints = [];
const { tab } = await open(718, 1000, 'dark', complaints);
await tab.emulateMedia({ media: 'print', colorScheme: 'dark' });
const print = await tab.evaluate(() => ({
  overflow: Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth),
  boxes: [...document.querySelectorAll('.scroll')].filter(b => getComputedStyle(b).overflowX !== 'visible').length,
  paper: getComputedStyle(document.body).backgroundColor,
}));
await tab.pdf({ path: join(folder, name + '.pdf'), format: 'A4', printBackground: false, preferCSSPageSize: true });
await browser.close();
console.log(JSON.stringify({ forms, print }));
