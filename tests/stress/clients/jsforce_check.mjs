// Logs in to the emulator with jsforce and asks for everything that SFR's emulator promises to it.
// Environment: EMULATOR = the ready line of `python -m sfr.emulator`.
import assert from 'node:assert/strict';
import jsforce from 'jsforce';

const ready = JSON.parse(process.env.EMULATOR);
const login = new jsforce.Connection({ loginUrl: ready.url, version: '60.0' });
const user = await login.login(ready.username, ready.password + ready.security_token);
assert.ok(user.id.startsWith('005'));

const connection = new jsforce.Connection({ instanceUrl: ready.url, accessToken: login.accessToken, version: '64.0' });
const identity = await connection.identity();
assert.equal(identity.username, ready.username);

const found = await connection.query('SELECT Id, Name, Owner.Name FROM Account', { autoFetch: true, maxFetch: 10000 });
assert.equal(found.totalSize, 3200);
assert.equal(found.records.length, 3200);

const listed = await connection.query("SELECT Id, Name, FolderName, Format FROM Report WHERE Format != 'MultiBlock'");
assert.deepEqual(listed.records.map((one) => one.Id), ready.reports.map((one) => one.id));

const summary = ready.reports.find((one) => one.format === 'Summary');
const report = connection.analytics.report(summary.id);
const described = await report.describe();
assert.equal(described.reportMetadata.reportFormat, 'SUMMARY');
const ran = await report.execute({ details: true });
const rows = Object.values(ran.factMap).reduce((sum, entry) => sum + (entry.rows ?? []).length, 0);
assert.equal(rows, summary.rows);
const instance = await report.executeAsync({ details: true });
let result = await report.instance(instance.id).retrieve();
while (result.attributes.status !== 'Success') result = await report.instance(instance.id).retrieve();
assert.ok(result.factMap['T!T']);

const stream = await connection.bulk2.query('SELECT Id, Name, Description FROM Account', { pollInterval: 50, pollTimeout: 30000 });
const records = await stream.toArray();
assert.equal(records.length, 3200);
assert.equal(new Set(records.map((one) => one.Id)).size, 3200);

const limits = await connection.request('/services/data/v64.0/limits');
assert.ok(limits.DailyApiRequests.Remaining < limits.DailyApiRequests.Max);
await assert.rejects(() => new jsforce.Connection({ loginUrl: ready.url, version: '60.0' }).login(ready.username, 'wrong'));
const oauth2 = new jsforce.OAuth2({
  loginUrl: ready.url, clientId: ready.client_id, redirectUri: 'http://localhost:1717/callback', useVerifier: true,
});
const page = await (await fetch(oauth2.getAuthorizationUrl({ scope: 'api web refresh_token', state: 'one' }))).text();
const fields = [...page.matchAll(/name="([^"]*)" value="([^"]*)"/g)].map((match) => [match[1], match[2].replaceAll('&amp;', '&')]);
const consent = { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' };
const back = new URL((await fetch(new URL('/services/oauth2/authorize', ready.url), consent)).headers.get('location'));
assert.equal(back.searchParams.get('state'), 'one');
const web = new jsforce.Connection({ oauth2, version: '64.0' });
await web.authorize(back.searchParams.get('code'));
assert.equal((await web.identity()).username, ready.username);
await assert.rejects(() => new jsforce.Connection({ oauth2 }).authorize(back.searchParams.get('code')));
web.accessToken = 'lost';
assert.equal((await web.query('SELECT Id FROM Account LIMIT 1')).records.length, 1);
console.log('jsforce agrees');
