test('the engine answers', async () => {
  const answer = await fetch(`${process.env['CLICKHOUSE_URL'] ?? ''}/ping`);
  expect(await answer.text()).toBe('Ok.\n');
});
