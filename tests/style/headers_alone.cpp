// The test is that this program links: see meson.build.
int main() {}
