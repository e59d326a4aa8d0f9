module.exports = async () => {
  await globalThis.modelmintTestSupport?.stop();
};
