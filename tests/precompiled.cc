// Nothing of its own: the target whose precompiled headers all tests use needs a source.
int main() {}
