# cmake --install: the executable finds nothing by an absolute path, so the prefix can be moved. DESTDIR is honoured.
include(GNUInstallDirs)

if(TARGET smtrain)
  install(TARGETS smtrain RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/share/man/man1/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
install(FILES ${PROJECT_SOURCE_DIR}/share/completions/smtrain.bash RENAME smtrain
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${PROJECT_SOURCE_DIR}/share/completions/_smtrain DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${PROJECT_SOURCE_DIR}/share/completions/smtrain.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/share/doc/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/smtrain FILES_MATCHING PATTERN "*.md")
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/CHANGELOG.md
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/smtrain)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/share/examples DESTINATION ${CMAKE_INSTALL_DATADIR}/smtrain
        USE_SOURCE_PERMISSIONS PATTERN "__pycache__" EXCLUDE)
