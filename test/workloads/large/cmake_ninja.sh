# SPDX-License-Identifier: MIT
# cmake makes a project of a library, a program and a test for ninja; ctest runs it; a changed file is built again, another is not.
mkdir -p src; cd src
cat >CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.20)
project(small C)
include(CheckFunctionExists)
check_function_exists(getline HAS_GETLINE)
check_function_exists(getnothing HAS_NOTHING)
configure_file(config.h.in config.h)
add_library(sum STATIC sum.c)
add_executable(main main.c)
target_include_directories(main PRIVATE \${PROJECT_BINARY_DIR})
target_link_libraries(main sum)
enable_testing()
add_test(NAME right COMMAND main 40 2)
add_test(NAME wrong COMMAND main)
set_tests_properties(wrong PROPERTIES WILL_FAIL TRUE)
END
echo '#cmakedefine HAS_GETLINE
#cmakedefine HAS_NOTHING' >config.h.in
echo 'int sum(int a, int b) { return a + b; }' >sum.c
cat >main.c <<END
#include <stdio.h>
#include <stdlib.h>
#include "config.h"
int sum(int, int);
int main(int n, char **v)
{
#ifdef HAS_GETLINE
	puts("has getline");
#endif
#ifdef HAS_NOTHING
	puts("has nothing");
#endif
	return n < 3 ? 1 : printf("%d\n", sum(atoi(v[1]), atoi(v[2]))) < 0;
}
END
cmake -G Ninja -S . -B ../build -DCMAKE_BUILD_TYPE=Release >log 2>&1; echo $?; grep -c 'Looking for get' log
ninja -C ../build | sed 's/^ninja: Entering.*//' | tail -1 | cut -c1-5; ../build/main 40 2
cd ../build; ctest 2>&1 | grep -o '[0-9]*% tests passed.*of [0-9]*'; ninja | tail -1
sleep 1; sed -i 's/a + b/a - b/' ../src/sum.c; ninja | tail -1 | cut -c1-5; ./main 40 2; ninja -t query main | head -3
ninja -t clean | tail -1; ninja -j4 | tail -1 | cut -c1-5; echo broken >>../src/main.c; ninja >log 2>&1; echo $?; grep -c 'FAILED: ' log
